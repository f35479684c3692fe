"""The pages on which a reservation is handed over, complained about, decided and reviewed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Role
from billing.models import Charge
from billing.services import charges
from core.periods import SHANGHAI
from market.models import Downtime, Handover, Offering, Reservation, Review
from market.services import matching, reservations
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_lists import MOST_QUERIES
from tests.portal.world import World

Set = Callable[..., None]


@pytest.fixture
def at(settings: Any) -> Set:
    """Let the pages live at another instant."""

    def set_clock(instant: Any) -> None:
        Path(settings.REHEARSAL_CLOCK).write_text(instant.isoformat(), encoding="ascii")

    return set_clock


@pytest.fixture
def held(world: World, at: Set) -> Reservation:
    """A reservation that its provider has promised to hand over, at its start."""
    Offering.objects.update(handover=Handover.REPORTED)
    order = worlds.place(world, at=worlds.NOW)
    matching.run(at=worlds.NOW)
    reservation = Reservation.objects.get(order=order)
    at(reservation.starts_at)
    return reservation


def act(client: Client, name: str, thing: Any, verb: str = "", **fields: Any) -> Client:
    """Send a form and follow it to the page that answers."""
    answer = client.post(reverse(f"portal:{name}", args=[thing.pk, *([verb] if verb else [])]), fields, follow=True)
    assert answer.status_code == 200
    return answer


def test_a_seller_hands_over_and_only_the_buyer_sees_how_to_get_in(held: Reservation, sign_in: SignIn) -> None:
    seller, buyer = sign_in("seller"), sign_in("buyer")
    act(seller, "reservation-act", held, "claim")
    answer = act(seller, "reservation-act", held, "access", details="ssh gpu@10.0.0.7")
    assert "10.0.0.7" not in answer.content.decode()
    page = reverse("portal:my-reservation", args=[held.pk])
    assert "10.0.0.7" not in buyer.get(page).content.decode()

    shown = act(buyer, "my-reservation-access", held)
    act(buyer, "my-reservation-act", held, "confirm")

    assert "ssh gpu@10.0.0.7" in shown.content.decode()
    assert AuditEntry.objects.filter(verb="reservation.access-shown").count() == 1
    assert Reservation.objects.get().confirmed_at == held.starts_at


def test_a_viewer_sees_the_page_but_neither_the_secret_nor_the_buttons(held: Reservation, sign_in: SignIn) -> None:
    act(sign_in("seller"), "reservation-act", held, "access", details="secret")
    viewer = sign_in("viewer")

    answer = viewer.get(reverse("portal:my-reservation", args=[held.pk]))

    assert answer.status_code == 200
    assert "terminate" not in answer.content.decode()
    assert viewer.post(reverse("portal:my-reservation-access", args=[held.pk])).status_code == 403


def test_a_complaint_is_contested_and_decided_at_the_desk(world: World, held: Reservation, sign_in: SignIn) -> None:
    worlds.person(world, "manager", world.operator, Role.OWNER)
    act(sign_in("seller"), "reservation-act", held, "access", details="x")
    act(sign_in("buyer"), "my-reservation-act", held, "not-usable", detail="no route")
    claim = Downtime.objects.get()

    act(sign_in("seller"), "downtime-answer", claim, "contest", answer="it was up")
    listed = sign_in("manager").get(reverse("portal:downtimes"))
    assert [one.pk for one in listed.context["page"].rows] == [claim.pk]
    act(sign_in("manager"), "downtime-decide", claim, "uphold", decision="the log says no")

    assert Downtime.objects.get().status == "accepted"
    assert Reservation.objects.get().stop_code == "not-usable"
    assert sign_in("operator1").post(reverse("portal:downtime-decide", args=[claim.pk, "uphold"])).status_code == 403


def test_a_form_that_is_wrong_says_so_and_changes_nothing(held: Reservation, sign_in: SignIn) -> None:
    seller = sign_in("seller")
    for verb, fields in [
        ("access", {"details": "ssh " * 2_001}),
        ("stop", {"code": "nonsense", "detail": "机房停电"}),
        ("downtime", {"starts_at": "2026-13-45", "ends_at": "", "code": "network", "detail": "光缆中断"}),
        ("downtime", {"starts_at": "2026-10-20T12:00", "ends_at": "2026-10-20T11:00", "code": "network"}),
        ("stop", {"code": "finished"}),
    ]:
        answer = act(seller, "reservation-act", held, verb, **fields)
        form = answer.context[f"{verb}_form"]
        assert (verb, bool(form.errors)) == (verb, True)
        assert {name: form[name].value() for name in fields} == fields, "what was typed is still there"
        assert answer.content.decode().count("<details open") + answer.content.decode().count('" open>') == 1
    assert seller.post(reverse("portal:reservation-act", args=[held.pk, "nonsense"])).status_code == 404

    assert Reservation.objects.get().status == "held"
    assert not Downtime.objects.exists()


def test_what_was_used_is_reviewed_answered_shown_and_hidden(world: World, sign_in: SignIn, client: Client) -> None:
    worlds.person(world, "manager", world.operator, Role.OWNER)
    used = worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    page = reverse("portal:offering", args=[world.offering.pk])

    act(sign_in("buyer"), "my-reservation-act", used, "review", stars="4", text="很好用")
    act(sign_in("seller"), "review-answer", Review.objects.get(), "answer", text="谢谢")
    shown = client.get(page).content.decode()
    assert "很好用" in shown
    assert "谢谢" in shown
    act(sign_in("manager"), "review-hide", Review.objects.get(), "hide", reason="广告")

    assert "很好用" not in client.get(page).content.decode()
    assert "广告" in sign_in("buyer").get(reverse("portal:my-reservation", args=[used.pk])).content.decode()


def test_a_credit_is_seen_on_the_charges_and_explained(world: World, sign_in: SignIn, at: Set) -> None:
    used = worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    at(used.ends_at)
    start = used.starts_at.astimezone(SHANGHAI)
    span = {"starts_at": f"{start:%Y-%m-%dT%H:00}", "ends_at": f"{start:%Y-%m-%dT%H:50}", "code": "power"}
    act(sign_in("seller"), "reservation-act", used, "downtime", **span)
    charges.rate_reservation(reservation_id=used.pk, at=used.ends_at)
    credit = Charge.objects.credits().get()

    page = sign_in("buyer").get(reverse("portal:charge", args=[credit.pk])).content.decode()

    assert "50%" in page
    assert "91.6666%" in page


def test_pages_ask_few_questions(world: World, sign_in: SignIn, client: Client) -> None:
    used = worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    act(sign_in("buyer"), "my-reservation-act", used, "review", stars="4")
    for who, page in [
        (sign_in("buyer"), reverse("portal:my-reservation", args=[used.pk])),
        (sign_in("seller"), reverse("portal:reservation", args=[used.pk])),
        (sign_in("seller"), reverse("portal:offering-mine", args=[world.offering.pk])),
        (client, reverse("portal:offering", args=[world.offering.pk])),
        (client, reverse("portal:service")),
        (sign_in("operator1"), reverse("portal:reviews")),
    ]:
        with CaptureQueriesContext(connection) as queries:
            assert (page, who.get(page).status_code) == (page, 200)
        assert (page, len(queries)) <= (page, MOST_QUERIES)
    assert reservations.advance(at=used.ends_at) == 0
