"""The pages on which orders wait for a second person, and on which a reservation is extended by itself."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import ApprovalRequest, AutoExtension, SpendingLimit
from billing.services import auto_extensions
from core.periods import HOUR, SHANGHAI
from market.models import Order, Reservation
from market.services import matching
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_lists import MOST_QUERIES
from tests.portal.world import World


@pytest.fixture
def waiting(world: World, sign_in: SignIn) -> ApprovalRequest:
    """An order of the trader's above the limit that the owner has set."""
    sign_in("buyer").post(reverse("portal:approvals-limit"), {"limit": "1.00"})
    sign_in("trader").post(reverse("portal:order-new"), form(world))
    return ApprovalRequest.objects.get()


def form(world: World) -> dict[str, Any]:
    start = (worlds.NOW + HOUR).astimezone(SHANGHAI)
    return {
        "name": "微调",
        "category": world.offering.category,
        "accelerators": [str(world.card.pk)],
        "count": "2",
        "hours": "3",
        "start_min": f"{start:%Y-%m-%dT%H:00}",
        "start_max": f"{start + 5 * HOUR:%Y-%m-%dT%H:00}",
        "limit": "9",
        "kind": "instant",
        "time_in_force": "window",
    }


def act(client: Client, waiting: ApprovalRequest, verb: str, **fields: str) -> Any:
    return client.post(reverse("portal:approval-act", args=[waiting.pk, verb]), fields, follow=True)


def test_an_owner_approves_what_a_trader_asked_for(waiting: ApprovalRequest, sign_in: SignIn) -> None:
    assert str(waiting.pk) in sign_in("trader").get(reverse("portal:approvals")).content.decode()
    page = sign_in("trader").get(reverse("portal:approval", args=[waiting.pk]))
    assert (page.context["can_decide"], page.context["can_withdraw"]) == (False, True)
    act(sign_in("trader"), waiting, "approve")
    assert not Order.objects.exists()
    assert act(sign_in("buyer"), waiting, "reject", reason="").context["form"].errors

    answer = act(sign_in("buyer"), waiting, "approve")

    order = Order.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("portal:order", args=[order.pk])
    assert act(sign_in("buyer"), waiting, "burn").status_code == 404


def test_an_extension_above_the_limit_is_approved_on_the_same_page(world: World, sign_in: SignIn) -> None:
    order = worlds.place(world, at=worlds.NOW)
    matching.run(at=worlds.NOW)
    reservation = Reservation.objects.get(order=order)
    ends_at = reservation.ends_at
    sign_in("buyer").post(reverse("portal:approvals-limit"), {"limit": "1.00"})
    sent = sign_in("trader").post(
        reverse("portal:my-reservation-extend", args=[reservation.pk]), {"hours": "2", "limit": "99"}, follow=True
    )
    waiting = ApprovalRequest.objects.get()
    assert sent.redirect_chain[-1][0] == reverse("portal:approval", args=[waiting.pk])
    page = reverse("portal:my-reservation", args=[reservation.pk])
    assert "延长 2 小时" in sign_in("trader").get(page).content.decode()

    answer = act(sign_in("buyer"), waiting, "approve")

    reservation.refresh_from_db()
    assert (reservation.ends_at, answer.status_code) == (ends_at + 2 * HOUR, 200)
    assert page in sign_in("trader").get(reverse("portal:approval", args=[waiting.pk])).content.decode()


def test_it_is_rejected_taken_back_and_strangers_see_nothing(waiting: ApprovalRequest, sign_in: SignIn) -> None:
    assert sign_in("seller").get(reverse("portal:approval", args=[waiting.pk])).status_code in (403, 404)
    assert sign_in("trader").post(reverse("portal:approvals-limit"), {"limit": "9"}).status_code == 403
    sign_in("buyer").post(reverse("portal:approvals-limit"), {"limit": "x"})
    assert SpendingLimit.objects.get().limit_fen == 100
    act(sign_in("buyer"), waiting, "reject", reason="太贵")

    page = sign_in("trader").get(reverse("portal:approval", args=[waiting.pk]))

    assert "太贵" in page.content.decode()
    client = sign_in("buyer")
    client.get(reverse("portal:approvals"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("portal:approvals") + "?status=rejected").status_code == 200
    assert len(queries) <= MOST_QUERIES


def test_a_reservation_is_extended_by_itself_until_told_not_to(world: World, sign_in: SignIn, settings: Any) -> None:
    order = worlds.place(world, at=worlds.NOW)
    matching.run(at=worlds.NOW)
    reservation = Reservation.objects.get(order=order)
    page, client = reverse("portal:auto-extension", args=[reservation.pk]), sign_in("trader")
    until = (reservation.ends_at + 5 * HOUR).astimezone(SHANGHAI)
    wish = {"budget": "9000", "limit": "99", "until": f"{until:%Y-%m-%dT%H:00}", "step_hours": "2", "lead_hours": "2"}
    assert client.post(page, wish | {"budget": "0"}).context["form"].errors["budget"]
    assert client.post(page, {"revoke": "1"}).context["form"].non_field_errors()

    client.post(page, wish)
    at = reservation.ends_at - timedelta(minutes=30)
    Path(settings.REHEARSAL_CLOCK).write_text(at.isoformat(), encoding="ascii")
    auto_extensions.step(instruction_id=AutoExtension.objects.get().pk, at=at)
    shown = client.get(page)
    client.post(page, {"revoke": "1"})

    assert len(shown.context["steps"]) == 1
    assert Reservation.objects.get(pk=reservation.pk).ends_at == reservation.ends_at + 2 * HOUR
    assert AutoExtension.objects.get().end_code == "revoked"
    assert sign_in("seller").get(page).status_code in (403, 404)
