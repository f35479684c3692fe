"""Fundings: what an order did not use goes back."""

from datetime import timedelta

from accounts.services.audit import Actor
from billing import selectors
from billing.models import Funding, FundingStatus
from billing.services import fundings
from ledger.models import HoldStatus
from market.services import orders
from tests.billing import scenes
from tests.billing.scenes import AT, CARD_HOUR_MS
from vouchers.models import RedemptionStatus
from vouchers.services import grants

FULL = 2 * CARD_HOUR_MS


def due(at) -> list[Funding]:
    return list(fundings.due(at=at))


def test_the_rest_goes_back_when_the_grace_for_late_usage_is_over(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    later = scenes.serve(reservation)
    (funding,) = due(later)

    fundings.close(funding=funding, at=later)

    funding = scenes.funding(reservation.order)
    assert funding.status == FundingStatus.CLOSED
    assert (funding.redemption.status, funding.redemption.captured_fen) == (RedemptionStatus.CAPTURED, 200)
    assert (funding.wallet_hold.status, funding.wallet_hold.captured_fen) == (HoldStatus.POSTED, 200)
    assert selectors.wallet(buyer) == selectors.Wallet(balance_fen=99_800, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


def test_nothing_goes_back_before_the_grace_is_over(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    later = scenes.serve(reservation)

    assert due(reservation.ends_at + timedelta(hours=71, minutes=59)) == []
    assert len(due(later)) == 1


def test_nothing_goes_back_while_usage_waits_for_the_meter_or_for_its_charge(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL)
    later = scenes.serve(reservation)
    assert due(later) == []

    scenes.rate(reservation)
    reservation.metered_hours.update(dirty=True)
    assert due(later) == []

    reservation.metered_hours.update(dirty=False)
    assert len(due(later)) == 1


def test_an_order_that_found_no_match_in_time_gives_everything_back(buyer, offering, grant):
    order = scenes.place(buyer, offering, voucher=grant)
    assert due(AT) == []
    later = order.start_max + timedelta(hours=1)
    orders.expire_overdue(at=later)

    (funding,) = due(later)
    fundings.close(funding=funding, at=later)

    assert scenes.funding(order).redemption.status == RedemptionStatus.RELEASED
    assert selectors.wallet(buyer).available_fen == 100_000
    assert scenes.broken() == []


def test_closing_twice_gives_back_once(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    later = scenes.serve(reservation)
    fundings.close(funding=scenes.funding(reservation.order), at=later)
    before = scenes.rows()

    fundings.close(funding=scenes.funding(reservation.order), at=later)

    assert scenes.rows() == before
    assert due(later) == []


def test_a_voucher_that_is_over_gets_nothing_back(buyer, provider, offering):
    voucher = scenes.grant(buyer, scenes.programme([provider], validity_days=1))
    order = scenes.place(buyer, offering, voucher=voucher)
    orders.cancel(order=order, at=AT)

    fundings.close(funding=scenes.funding(order), at=voucher.expires_at)

    assert scenes.fen(f"lapsed/{voucher.programme_id}") == 600
    assert scenes.broken() == []


def test_money_that_becomes_free_first_repays_what_was_lent(provider, offering):
    poor = scenes.funded_buyer(1_800)
    voucher = scenes.grant(poor, scenes.programme([provider]))
    waiting = scenes.place(poor, offering)
    other = scenes.reserve(poor, offering, voucher=voucher)
    scenes.meter(other, FULL)
    scenes.rate(other)
    grants.revoke(grant=voucher, actor=Actor(user=scenes.person()), at=AT)
    scenes.meter(other, FULL, FULL, first=1)
    scenes.rate(other)
    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=1_200, held_fen=1_200, arrears_fen=400)

    later = scenes.serve(scenes.Reservation.objects.get(order=waiting))
    fundings.close(funding=scenes.funding(waiting), at=later)

    assert selectors.wallet(poor) == selectors.Wallet(balance_fen=800, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []
