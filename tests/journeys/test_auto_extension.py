"""An order that is extended by itself, through the API: instructed, extended in its budget, used, billed and over."""

import pytest

from billing import tasks
from billing.models import AutoExtension
from billing.selectors import Wallet, wallet
from billing.services import auto_extensions, fundings, invoicing
from core.periods import HOUR
from market.models import Reservation
from market.services import reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_invoicing import CLOSED, OCTOBER
from tests.journeys.test_order_to_settlement import (
    Party,
    buyer,  # noqa: F401 - a fixture
    seller,  # noqa: F401 - a fixture
)
from tests.market import scenes as markets


@pytest.fixture
def bought(buyer: Party, seller: Party, set_clock):
    """Two cards at ¥2.00 for three hours, from the listing."""
    set_clock(AT)
    offering = markets.listed(seller.organization, markets.accelerator("card"), price_micro=2_000_000)
    window = {"start_min": START.isoformat(), "start_max": START.isoformat()}
    order = buyer.post("orders/purchases", {"offering": str(offering.pk), "count": 2, "hours": 3, **window}, key="buy")
    return order["reservation"]["id"]


def test_it_is_extended_until_the_budget_is_used_up_then_billed_and_over(bought, buyer, seller, set_clock):
    path, until = f"reservations/{bought}", START + 24 * HOUR
    wish = {"budget_fen": 1_700, "limit_micro": 2_000_000, "step_hours": 2, "lead_hours": 1, "until": until.isoformat()}
    assert buyer.post(f"{path}/auto-extension", wish, key="instruct")["status"] == "active"
    assert buyer.post(f"{path}/auto-extension", wish, key="again", expected=409)["code"] == "already-instructed"
    reservations.advance(at=START)
    assert auto_extensions.due(at=START, limit=9) == []

    # An hour before each end it is extended by two hours of ¥4.00: twice, for the third time the budget is too small.
    for ends in (3, 5, 7):
        now = START + (ends - 1) * HOUR
        set_clock(now)
        for instruction_id in auto_extensions.due(at=now, limit=9):
            tasks.extend_one(instruction_id=str(instruction_id))
    (told,) = buyer.get(f"{path}/auto-extension")
    assert (told["status"], told["end_code"], told["spent_fen"]) == ("ended", "budget", 1_600)
    assert buyer.get("wallet")["held_fen"] == 1_200 + 1_600
    assert AutoExtension.objects.get().steps.count() == 2

    ends = START + 7 * HOUR
    reservation = Reservation.objects.select_related("order", "provider").get()
    assert reservation.ends_at == ends
    scenes.meter(reservation, *[2 * CARD_HOUR_MS] * 7)
    reservations.advance(at=ends)
    scenes.rate(reservation, at=ends)
    for funding in list(fundings.due(at=ends + 72 * HOUR)):
        fundings.close(funding=funding, at=ends + 72 * HOUR)

    assert buyer.get(f"orders/{reservation.order_id}")["status"] == "completed"
    assert wallet(buyer.organization) == Wallet(balance_fen=100_000 - 2_800, held_fen=0, arrears_fen=0)
    invoice = invoicing.issue(issuer=seller.organization, buyer=buyer.organization, month_on=OCTOBER, at=CLOSED)
    assert (invoice.amount_fen, invoice.voucher_fen) == (2_800, 0)
    assert scenes.broken() == []
