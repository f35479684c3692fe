"""Extensions that are paid for: priced, set aside, used, charged from their own holds, and given back."""

from datetime import timedelta

import pytest

from accounts.services.audit import Actor
from billing import kpis, selectors
from billing.models import Charge, Supplement
from billing.services import early_ends, extending, fundings, invoicing, purchases, settlement
from billing.services.refusals import WalletTooLow
from core.errors import NotFound
from core.periods import HOUR
from market.models import AgreedPrice, CalendarHour, Downtime, Reservation
from market.notice import CURRENT
from market.pricing import Band, Plan
from market.services import prices, reservations
from market.services.extensions import NotExtendable
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.gathering import FEW
from tests.market import scenes as markets
from tests.market.races import THREADS, race, without_constraint
from vouchers.models import RedemptionStatus
from vouchers.services.refusals import GrantNotUsable, Short, TooManyVouchers

NOW = CURRENT.starts_at + timedelta(days=9, hours=10)
START = NOW + HOUR
FULL = 2 * CARD_HOUR_MS
MOST = "redemption.vouchers_per_order_max"


@pytest.fixture
def running(buyer, offering, grant):
    """Two cards at ¥2.00 over three hours that have begun, half of the ¥12.00 from a voucher."""
    reservation = scenes.matched(buyer, offering, starts_at=START, at=NOW, voucher=grant)
    reservations.advance(at=START)
    return again(reservation)


def again(reservation):
    return Reservation.objects.select_related("order__buyer", "provider").get(pk=reservation.pk)


def extend(reservation, hours=2, *, voucher=None, at=START, **terms):
    who = Actor(organization=reservation.order.buyer)
    return extending.extend(reservation=reservation, hours=hours, grant=voucher, actor=who, at=at, **terms)


def closed(reservation):
    later = scenes.serve(again(reservation))
    fundings.close(funding=fundings.due(at=later).get(), at=later)


def test_added_hours_are_set_aside_as_quoted_and_charged_from_their_own_holds(running, buyer, provider, grant):
    other = scenes.grant(buyer, scenes.programme([provider], ratio_bp=3_000))
    quote = extending.quote(reservation=running, hours=2, grant=other, at=START)
    assert (quote.estimate_fen, quote.voucher_fen, quote.wallet_fen) == (800, 240, 560)

    supplement = extend(running, voucher=other)

    assert (supplement.estimate_fen, supplement.voucher_fen, supplement.wallet_fen) == (800, 240, 560)
    assert (supplement.starts_at, supplement.ends_at) == (START + 3 * HOUR, START + 5 * HOUR)
    assert selectors.wallet(buyer).held_fen == 600 + 560
    scenes.meter(running, *[FULL] * 5)
    paid = [(charge.voucher_fen, charge.wallet_fen, charge.supplement_id) for charge in scenes.rate(running)]
    assert paid == [(200, 200, None)] * 3 + [(120, 280, supplement.pk)] * 2
    closed(running)
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 1_160, 0, 0)
    month, later = START.date().replace(day=1), START + timedelta(days=40)
    invoice = invoicing.issue(issuer=provider, buyer=buyer, month_on=month, at=later)
    settled = settlement.settle(provider=provider, month_on=month, at=later)
    assert (invoice.amount_fen, invoice.voucher_fen) == (2_000, 840)
    owed = {one.programme_id: one.amount_fen for one in settled.authority_payables.all()}
    assert owed == {grant.programme_id: 600, other.programme_id: 240}
    for programme_id, hours, fen in ((grant.programme_id, 3, 600), (other.programme_id, 2, 240)):
        (cards,) = kpis.compute(programmes=[programme_id])
        assert (cards.voucher_fen, cards.accelerator_ms, cards.reserved_ms) == (fen, hours * FULL, hours * FULL)
    (both,) = kpis.compute(programmes=[grant.programme_id, other.programme_id])
    assert (both.voucher_fen, both.accelerator_ms, both.reserved_ms) == (840, 5 * FULL, 5 * FULL)
    assert scenes.broken() == []


def test_a_correction_over_both_holds_and_a_credit_give_each_voucher_its_own(running, buyer, provider):
    fee = {"settlement.platform_fee_on_voucher_bp": 1_000}
    other = scenes.grant(buyer, scenes.programme([provider], ratio_bp=3_000, changes=fee))
    supplement = extend(running, voucher=other)
    scenes.meter(running, *[FULL] * 5)
    scenes.rate(running)
    scenes.meter(running, FULL // 2, FULL, FULL, FULL, FULL // 2)
    scenes.rate(running)
    reservations.advance(at=START + 5 * HOUR)
    Downtime.objects.create(
        reservation=running,
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        code="network",
        status="accepted",
        reported_by=provider,
        reported_at=START,
    )

    charges = scenes.rate(again(running))

    # Of ¥10.00 and ¥6.00 the table gives back half: availability is 90 %.
    given = {charge.supplement_id: charge for charge in charges if charge.kind == "credit"}
    assert (given[None].amount_fen, given[None].voucher_fen) == (-500, -250)
    assert (given[supplement.pk].amount_fen, given[supplement.pk].voucher_fen) == (-300, -90)
    # Of the ¥8.00 left vouchers paid ¥2.50, free of commission, and ¥0.90 at 10 %; of the other ¥4.60 it is 5 %.
    assert sum(charge.provider_fen for charge in charges) == 800 - 9 - 23
    closed(running)
    assert scenes.broken() == []


def test_odd_prices_add_up_over_the_holds_to_one_rounding(buyer, offering):
    plan = Plan(base_micro=1_234_567, bands=[Band(from_hour=0, to_hour=24, price_micro=1_234_567)])
    markets.priced(offering, plan, starts_at=NOW + timedelta(minutes=60), at=NOW)
    running = scenes.matched(buyer, offering, starts_at=START, at=NOW, count=1, hours=1)
    reservations.advance(at=START)
    for _hour in range(3):
        extend(again(running), 1)
    running = again(running)
    scenes.meter(running, *[CARD_HOUR_MS] * 4)

    charges = scenes.rate(running)

    assert sum(charge.amount_fen for charge in charges) == 494  # 4 × 123.4567
    assert [one.estimate_fen for one in Supplement.objects.order_by("number")] == [124, 124, 124]
    closed(running)
    assert scenes.broken() == []


def test_hours_that_are_given_back_and_taken_again_cost_what_they_cost_now(running, buyer, offering):
    plan = Plan(base_micro=1_000_000, bands=[])
    early_ends.shorten(reservation=running, hours=1, actor=Actor(organization=buyer), at=START)
    markets.priced(offering, plan, starts_at=START + HOUR, at=START)
    extend(again(running), 2)
    early_ends.shorten(reservation=again(running), hours=2, actor=Actor(organization=buyer), at=START)
    plan = Plan(base_micro=3_000_000, bands=[])
    markets.priced(offering, plan, starts_at=START + 2 * HOUR, at=START)

    extend(again(running), 3)

    price_at = prices.agreed(again(running))
    assert [price_at(START + number * HOUR) for number in range(5)] == [2_000_000] * 2 + [3_000_000] * 3
    assert AgreedPrice.objects.filter(reservation=running).count() == 3
    scenes.meter(running, *[FULL] * 5)
    fees = sum(Charge.objects.fees().values_list("amount_fen", flat=True))
    used = [charge for charge in scenes.rate(again(running)) if charge.kind == "usage"]
    assert [charge.amount_fen for charge in used] == [400, 400, 600, 600, 600]
    assert [bool(charge.voucher_fen) for charge in used] == [True, True, False, False, False]
    closed(running)
    assert selectors.wallet(buyer) == selectors.Wallet(100_000 - 400 - 1_800 - fees, 0, 0)
    assert scenes.broken() == []


def test_an_order_uses_no_more_vouchers_of_a_programme_than_it_allows(running, buyer, provider, grant, programme):
    spare = scenes.grant(buyer, programme)
    again_allowed = scenes.grant(buyer, scenes.programme([provider], changes={MOST: 2}))
    quote = extending.quote(reservation=running, hours=1, grant=spare, at=START)
    assert (quote.voucher_fen, quote.voucher_quote.refused) == (0, "TOO_MANY_VOUCHERS")
    with pytest.raises(TooManyVouchers, match=r"(?<!\d)1(?!\d)"):
        extend(running, 1, voucher=spare)

    for voucher in (grant, again_allowed, scenes.grant(buyer, again_allowed.programme)):
        assert extend(again(running), 1, voucher=voucher).voucher_fen == 200
    with pytest.raises(TooManyVouchers, match=r"(?<!\d)2(?!\d)"):
        extend(again(running), 1, voucher=scenes.grant(buyer, again_allowed.programme))


def test_an_extension_that_is_wholly_given_back_gives_its_voucher_back_at_once(running, buyer, grant):
    supplement = extend(running, 2, voucher=grant)

    early_ends.shorten(reservation=again(running), hours=2, actor=Actor(organization=buyer), at=START)

    supplement.redemption.refresh_from_db()
    assert supplement.redemption.status == RedemptionStatus.RELEASED
    assert selectors.wallet(buyer).held_fen == 600


def test_the_cap_per_order_counts_the_hours_that_were_added(running, buyer, provider):
    """Without it, an order of one hour that is extended hour by hour would get the cap with each."""
    rules = scenes.programme([provider], ratio_bp=5_000, order_cap_fen=500)
    mine = scenes.grant(buyer, rules)

    paid = [extend(again(running), 2, voucher=mine).voucher_fen]
    assert extending.quote(reservation=again(running), hours=2, grant=mine, at=START).voucher_fen == 100
    paid += [extend(again(running), 2, voucher=mine).voucher_fen]

    assert paid == [400, 100]
    with pytest.raises(Short, match="ORDER_CAP"):
        extend(again(running), 1, voucher=mine)


def refusals(running, offering, buyer, grant):
    yield WalletTooLow, {"hours": 24 * 50}
    yield NotExtendable, {"at": running.ends_at}
    yield extending.PriceRisen, {"most_micro": 1_999_999}
    yield GrantNotUsable, {"voucher": grant, "at": grant.expires_at}


@pytest.mark.parametrize("number", range(4))
def test_a_refused_extension_changes_nothing(running, offering, buyer, grant, number):
    error, terms = list(refusals(running, offering, buyer, grant))[number]
    if error is GrantNotUsable:
        Reservation.objects.update(ends_at=grant.expires_at + HOUR)
        running = again(running)
    before = scenes.rows()

    with pytest.raises(error):
        extend(running, **({"hours": 1} | terms))

    assert scenes.rows() == before


def test_only_the_buyer_extends_and_no_longer_than_the_offering_is_sold(running, offering):
    with pytest.raises(NotFound):
        extending.extend(reservation=running, hours=1, grant=None, actor=Actor(organization=running.provider), at=START)
    offering.max_hours = 4
    offering.save()
    with pytest.raises(NotExtendable):
        extend(running, 2)

    extend(running, 1)

    assert again(running).ends_at == START + 4 * HOUR


@pytest.fixture
def poor(transactional_db, offering):
    """A buyer with money for five more hours, and a reservation of one card."""
    who = scenes.funded_buyer(1_200)
    reservation = scenes.matched(who, offering, starts_at=START, at=NOW, count=1, hours=1)
    reservations.advance(at=START)
    return again(reservation)


def test_a_wallet_pays_for_no_more_hours_than_it_has_money_for(poor):
    outcomes = race(lambda _number: extend(poor, 1))

    assert outcomes == {"ok": 5, "wallet-too-low": THREADS - 5}
    assert again(poor).ends_at == START + 6 * HOUR
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {1}
    assert scenes.broken() == []


def test_without_its_floor_a_wallet_pays_for_more_than_it_has(poor):
    with without_constraint("ledger_balance", "ledger_balance_floor"):
        outcomes = race(lambda _number: extend(poor, 1))

        assert outcomes == {"ok": THREADS}


@pytest.fixture
def vouchers(poor, provider):
    """Vouchers of one programme, each for one thread."""
    programme = scenes.programme([provider])
    return [scenes.grant(poor.order.buyer, programme) for _ in range(FEW)]


def test_extensions_at_once_use_no_more_vouchers_than_the_order_may(poor, vouchers):
    outcomes = race(lambda number: extend(poor, 1, voucher=vouchers[number]), threads=FEW)

    assert outcomes == {"ok": 1, "too-many-vouchers": FEW - 1}
    assert scenes.broken() == []


def test_by_what_was_seen_before_its_lock_an_order_uses_too_many(poor, vouchers, monkeypatch):
    seen = purchases.redemptions_of(poor.order)
    monkeypatch.setattr(purchases, "redemptions_of", lambda _order: seen)

    assert race(lambda number: extend(poor, 1, voucher=vouchers[number]), threads=FEW) == {"ok": FEW}


@pytest.fixture
def capped(poor, provider):
    """A voucher that pays at most 250 of an order, 100 for each hour."""
    return scenes.grant(poor.order.buyer, scenes.programme([provider], ratio_bp=5_000, order_cap_fen=250))


def test_extensions_at_once_get_no_more_of_a_voucher_than_the_cap_of_their_order(poor, capped):
    outcomes = race(lambda _number: extend(poor, 1, voucher=capped), threads=FEW)

    assert outcomes == {"ok": 3, "voucher-short": FEW - 3}
    assert sorted(Supplement.objects.values_list("voucher_fen", flat=True)) == [50, 100, 100]


def test_by_what_was_seen_before_its_lock_an_order_gets_more_than_its_cap(poor, capped, monkeypatch):
    seen = purchases.redemptions_of(poor.order)
    monkeypatch.setattr(purchases, "redemptions_of", lambda _order: seen)

    assert race(lambda _number: extend(poor, 1, voucher=capped), threads=FEW) == {"ok": FEW}
    assert list(Supplement.objects.values_list("voucher_fen", flat=True)) == [100] * FEW
