"""The pages on which a buyer extends a reservation, gives hours back and sees the fee before it is owed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Charge, Supplement, TakenLine
from billing.services import invoicing, line_charges, taken_lines
from core.periods import HOUR, date_of
from market.models import Reservation
from market.notice import CURRENT
from market.services import matching, reservations
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_lists import MOST_QUERIES
from tests.portal.world import World

NOW = CURRENT.starts_at + timedelta(days=9)


@pytest.fixture
def held(world: World, settings: Any) -> Reservation:
    """Cards that are reserved from the next hour on."""
    order = worlds.place(world, at=NOW)
    matching.run(at=NOW)
    Path(settings.REHEARSAL_CLOCK).write_text(NOW.isoformat(), encoding="ascii")
    return Reservation.objects.get(order=order)


def page(name: str, thing: Reservation) -> str:
    return reverse(f"portal:my-reservation-{name}", args=[thing.pk])


def test_a_buyer_sees_the_price_and_extends_at_no_more_than_that(held: Reservation, sign_in: SignIn) -> None:
    client = sign_in("trader")
    shown = client.post(page("extend", held), {"hours": "2", "quote": "1"})
    quote, seen = shown.context["quote"], shown.context["dearest_micro"]
    assert (quote.ends_at, Supplement.objects.count()) == (held.ends_at + 2 * HOUR, 0)

    dear = client.post(page("extend", held), {"hours": "2", "seen": str(seen - 1)})
    assert dear.context["form"].non_field_errors()
    answer = client.post(page("extend", held), {"hours": "2", "seen": str(seen)}, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("portal:my-reservation", args=[held.pk])
    assert Supplement.objects.get().estimate_fen == quote.estimate_fen
    assert client.post(page("extend", held), {"hours": "0"}).context["form"].errors["hours"]
    order = client.get(reverse("portal:order", args=[held.order_id]))
    assert order.context["account"].estimate_fen == order.context["account"].funding.estimate_fen + quote.estimate_fen


def test_a_buyer_sees_the_fee_and_gives_hours_back(held: Reservation, sign_in: SignIn) -> None:
    client = sign_in("trader")
    told = client.post(page("shorten", held), {"hours": "1", "quote": "1"}).context["told"]
    assert told.fee_fen > 0
    assert Reservation.objects.get().ends_at == held.ends_at

    client.post(page("shorten", held), {"hours": "1"}, follow=True)

    assert Reservation.objects.get().ends_at == held.ends_at - HOUR
    charge = Charge.objects.get()
    assert charge.amount_fen == told.fee_fen
    evidence = client.get(reverse("portal:charge", args=[charge.pk])).content.decode()
    assert "2026-11" in evidence
    assert client.post(page("shorten", held), {"hours": "99"}).context["form"].non_field_errors()


def test_a_buyer_sees_the_fee_and_gives_cards_back(held: Reservation, sign_in: SignIn) -> None:
    client = sign_in("trader")
    told = client.post(page("fewer", held), {"cards": "1", "quote": "1"}).context["told"]
    assert told.fee_fen > 0
    assert Reservation.objects.get().cards == held.count

    client.post(page("fewer", held), {"cards": "1"}, follow=True)

    assert Reservation.objects.get().cards == held.count - 1
    assert Charge.objects.get().amount_fen == told.fee_fen
    assert client.post(page("fewer", held), {"cards": "99"}).context["form"].errors["cards"]


def test_the_fee_of_a_cancellation_is_shown_before_and_charged_after(held: Reservation, sign_in: SignIn) -> None:
    client = sign_in("trader")
    fee_fen = client.get(reverse("portal:order", args=[held.order_id])).context["cancel_fee_fen"]
    assert fee_fen == client.get(reverse("portal:my-reservation", args=[held.pk])).context["ending"].fee_fen > 0

    client.post(reverse("portal:order-cancel", args=[held.order_id]))

    assert [one.amount_fen for one in Charge.objects.all()] == [fee_fen]


def test_a_buyer_takes_a_line_at_the_price_that_was_shown_and_gives_it_up(
    held: Reservation, world: World, sign_in: SignIn
) -> None:
    client = sign_in("trader")
    assert not client.get(page("lines", held)).context["sold"]
    line = worlds.sell_storage(world, at=NOW)
    wish = {"line": line.pk, "quantity": "720"}
    told = client.post(page("lines", held), wish | {"quote": "1"}).context["told"]
    assert told.estimate_fen == held.hours * 36  # 720 GiB of 720 hours of ¥0.36

    client.post(page("lines", held), wish)
    assert client.post(page("lines", held), wish | {"quantity": "0"}).context["form"].errors["quantity"]
    dear = client.post(page("lines", held), wish | {"quantity": "10000000"})
    assert dear.context["form"].non_field_errors()

    taken = TakenLine.objects.get()
    assert taken.estimate_fen == told.estimate_fen
    for name in ("trader", "seller"):
        address = reverse("portal:my-reservation" if name == "trader" else "portal:reservation", args=[held.pk])
        assert "NVMe" in sign_in(name).get(address).content.decode()
    give_up = reverse("portal:line-give-up", args=[held.pk, taken.pk])
    assert sign_in("viewer").post(give_up).status_code == 403
    client = sign_in("trader")
    client.post(give_up)
    again = client.post(give_up, follow=True)
    assert [message.level_tag for message in again.context["messages"]][-1] == "error"
    assert TakenLine.objects.get().stopped_at == held.starts_at


def test_a_bill_and_its_charges_name_the_line(held: Reservation, world: World, sign_in: SignIn) -> None:
    line = worlds.sell_storage(world, at=NOW)
    buyer = world.actor("trader", world.buyer)
    taken_lines.take(reservation=held, wanted={line.pk: 720}, actor=buyer, at=NOW)
    reservations.advance(at=held.starts_at)
    reservations.advance(at=held.ends_at)
    line_charges.charge(reservation_id=held.pk, at=held.ends_at)
    month = date_of(held.starts_at).replace(day=1)
    invoice = invoicing.issue(issuer=world.provider, buyer=world.buyer, month_on=month, at=held.ends_at + 24 * HOUR)

    client = sign_in("buyer")
    bill = client.get(reverse("portal:bill", args=[invoice.pk])).content.decode()
    evidence = client.get(reverse("portal:charge", args=[Charge.objects.get().pk])).content.decode()
    rows = b"".join(client.get(reverse("portal:bill-csv", args=[invoice.pk]))).decode()

    assert "NVMe × 720" in bill
    assert "NVMe × 720" in evidence
    assert "NVMe" in rows.splitlines()[1]


def test_strangers_find_nothing_and_viewers_change_nothing(held: Reservation, sign_in: SignIn) -> None:
    for name in ("extend", "shorten", "fewer", "lines"):
        assert sign_in("seller").get(page(name, held)).status_code in (403, 404)
        client = sign_in("buyer")
        client.get(page(name, held))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(name, held)).status_code == 200
        assert len(queries) <= MOST_QUERIES
