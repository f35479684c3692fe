"""Orders of every time in force through the API: placed, served or given up, paid, and nothing stays set aside."""

import pytest

from billing.models import FundingStatus
from billing.selectors import Wallet, wallet
from billing.services import fundings
from market.models import CalendarHour, Order, Reservation
from market.services import matching, orders, reservations
from tests.billing import scenes
from tests.billing.api.conftest import api, client_of, rehearsal  # noqa: F401 - fixtures
from tests.billing.api.test_orders import body, post  # noqa: F401 - a fixture
from tests.billing.conftest import buyer, card, grant, offering, programme, provider, set_clock  # noqa: F401 - fixtures
from tests.billing.scenes import AT, CARD_HOUR_MS, HOUR, START

STANDING = {
    "window": {"time_in_force": "window"},
    "immediate-or-cancel": {"time_in_force": "immediate-or-cancel"},
    "good-till-time": {"time_in_force": "good-till-time", "good_till": (START + HOUR).isoformat()},
}
WHOLE = Wallet(balance_fen=100_000, held_fen=0, arrears_fen=0)


@pytest.mark.parametrize("terms", STANDING.values(), ids=STANDING)
def test_an_order_is_placed_matched_used_billed_and_ended(api, body, buyer, terms):
    placed = post(api, "/api/v1/orders", body | terms).json()
    assert placed["time_in_force"] == terms["time_in_force"]
    assert wallet(buyer).held_fen == 600

    matching.run(at=AT)
    reservation = Reservation.objects.select_related("order", "provider").get(order=placed["id"])
    reservations.advance(at=START)
    scenes.meter(reservation, 2 * CARD_HOUR_MS)
    assert [(one.voucher_fen, one.wallet_fen) for one in scenes.rate(reservation)] == [(200, 200)]
    over = scenes.serve(reservation)

    fundings.close(funding=fundings.due(at=over).get(), at=over)
    assert api.get(f"/api/v1/orders/{placed['id']}").json()["status"] == "completed"
    assert wallet(buyer) == Wallet(balance_fen=99_800, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


@pytest.mark.parametrize("terms", STANDING.values(), ids=STANDING)
def test_an_order_that_nothing_matches_gives_voucher_and_wallet_back(api, body, buyer, terms):
    placed = post(api, "/api/v1/orders", body | terms | {"count": 9}).json()
    matching.run(at=AT)
    orders.expire_overdue(at=START + 2 * HOUR + HOUR / 2)

    due = fundings.due(at=START + 3 * HOUR).get()
    fundings.close(funding=due, at=START + 3 * HOUR)

    assert api.get(f"/api/v1/orders/{placed['id']}").json()["status"] == "expired"
    assert scenes.funding(Order.objects.get()).status == FundingStatus.CLOSED
    assert not CalendarHour.objects.exclude(reserved=0).exists()
    assert wallet(buyer) == WHOLE
    assert scenes.broken() == []
