"""Quotes and listings through the API: taken, used, billed and over; or not taken, and nothing stays held."""

from datetime import timedelta

import pytest

from billing.models import FundingStatus
from billing.selectors import Wallet, wallet
from billing.services import fundings, invoicing
from market.models import CalendarHour, Order, Quote, Reservation
from market.services import quotes, reservations
from tests.billing import scenes
from tests.billing.api.conftest import api, client_of, rehearsal  # noqa: F401 - fixtures
from tests.billing.api.test_held_quotes import PURCHASES, QUOTES, body  # noqa: F401 - a fixture
from tests.billing.api.test_orders import post
from tests.billing.conftest import buyer, card, grant, offering, programme, provider, set_clock  # noqa: F401 - fixtures
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_invoicing import CLOSED, OCTOBER


@pytest.fixture
def quote(api, body):
    return post(api, QUOTES, body).json()


def close(at):
    for funding in list(fundings.due(at=at)):
        fundings.close(funding=funding, at=at)


def quoted(api, body, offering, grant):
    quote = post(api, QUOTES, body).json()
    return post(api, f"{QUOTES}/{quote['id']}/accept", {"grant": str(grant.pk)}).json()


def bought(api, body, offering, grant):
    wanted = {name: body[name] for name in ("count", "hours", "start_min", "start_max")}
    return post(api, PURCHASES, wanted | {"offering": str(offering.pk), "grant": str(grant.pk)}).json()


@pytest.mark.parametrize("place", [quoted, bought])
def test_cards_are_taken_at_once_used_billed_and_over(api, body, buyer, provider, offering, grant, place):
    order = place(api, body, offering, grant)
    assert wallet(buyer).held_fen == 600

    reservations.advance(at=START)
    reservation = Reservation.objects.select_related("order", "provider").get(order=order["id"])
    assert (reservation.starts_at.isoformat(), reservation.price_micro) == ("2026-10-01T03:00:00+00:00", 2_000_000)
    scenes.meter(reservation, *[2 * CARD_HOUR_MS] * 3)
    charged = scenes.rate(reservation)
    close(scenes.serve(reservation))

    assert sum(one.amount_fen for one in charged) == 1200
    assert api.get(f"/api/v1/orders/{order['id']}").json()["status"] == "completed"
    assert scenes.funding(Order.objects.get()).status == FundingStatus.CLOSED
    assert wallet(buyer) == Wallet(balance_fen=99_400, held_fen=0, arrears_fen=0)
    invoice = invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen, invoice.wallet_fen) == (1200, 600, 600)
    assert scenes.broken() == []


def withdrawn(api, quote):
    assert post(api, f"{QUOTES}/{quote['id']}/withdraw").status_code == 200


def expired(api, quote):
    assert quotes.expire_overdue(at=AT + timedelta(minutes=15)) == 1


def cancelled(api, quote):
    order = post(api, f"{QUOTES}/{quote['id']}/accept", {}).json()
    assert post(api, f"/api/v1/orders/{order['id']}/cancel").status_code == 200


def failed(api, quote):
    order = post(api, f"{QUOTES}/{quote['id']}/accept", {}).json()
    Reservation.objects.update(handover="reported")
    reservations.advance(at=START + timedelta(minutes=30))
    close(START + timedelta(minutes=30))
    assert api.get(f"/api/v1/orders/{order['id']}").json()["status"] == "failed"


@pytest.mark.parametrize("end", [withdrawn, expired, cancelled, failed])
def test_whatever_ends_a_quote_leaves_nothing_held(api, quote, buyer, end):
    end(api, quote)

    assert Quote.objects.get().status in ("withdrawn", "expired", "accepted")
    hours_to_come = CalendarHour.objects.filter(hour__gt=START)
    assert set(hours_to_come.values_list("reserved", flat=True)) == {0}
    assert wallet(buyer) == Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []
