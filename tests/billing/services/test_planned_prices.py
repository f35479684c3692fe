"""Orders at offerings whose price changes by the hour: the bill is the sum of the hours that were agreed."""

import pytest

from accounts.services.audit import SYSTEM
from core.periods import HOUR
from market import pricing
from market.models import Reservation
from market.pricing import Band, Plan, Step
from market.services import prices
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS

PEAK = Plan(
    base_micro=1_234_567,
    bands=(Band(from_hour=12, to_hour=14, price_micro=1_999_999),),
    terms=(Step(at_least=24, discount_bp=777),),
)


@pytest.fixture
def reservation(buyer, offering, grant) -> Reservation:
    prices.publish(offering=offering, plan=PEAK, starts_at=AT + HOUR, actor=SYSTEM, at=AT)
    return scenes.reserve(buyer, offering, voucher=grant, hours=30, limit_micro=2_000_000)


def agreed(reservation: Reservation) -> list[int]:
    price_at = prices.agreed(reservation)
    return [price_at(reservation.starts_at + number * HOUR) for number in range(30)]


def test_a_whole_order_costs_what_its_hours_were_quoted_at(reservation):
    scenes.meter(reservation, *[2 * CARD_HOUR_MS] * 30)

    charged = scenes.rate(reservation)

    assert {charge.price_micro for charge in charged} == {1_138_641, 1_844_599}
    assert sum(charge.amount_fen for charge in charged) == pricing.total_fen(agreed(reservation), count=2) == 7397
    assert scenes.broken() == []


def test_usage_that_moves_to_a_dearer_hour_costs_the_difference(reservation):
    scenes.meter(reservation, CARD_HOUR_MS)
    cheap, dear = agreed(reservation)[0], max(agreed(reservation))
    first = agreed(reservation).index(dear)
    scenes.rate(reservation)

    scenes.meter(reservation, 0)
    scenes.meter(reservation, CARD_HOUR_MS, first=first)
    charged = scenes.rate(reservation)

    assert (cheap, dear) == (1_138_641, 1_844_599)
    assert [charge.amount_fen for charge in charged] == [114, 184, -114]
    assert scenes.broken() == []
