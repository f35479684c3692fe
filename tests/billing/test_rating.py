"""Rating: every figure of a charge is the difference of two cumulative figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing import rating
from billing.commission import Fees, Public
from billing.rating import HourDelta, Rated, Totals, VoucherTerms
from core.money import price_fen
from market import pricing
from vouchers.rules import capture_total_fen

HOUR_MS = 3_600_000
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
FEES = Fees(commission_bp=500, vat_bp=600)
FREE = Fees(commission_bp=500, vat_bp=600, voucher_bp=0)
HALF = VoucherTerms(ratio_bp=5_000, round_unit_fen=1, expires_at=FIRST + timedelta(hours=24))
CASH = Totals()
WORTH = HOUR_MS * 2_000_000


def deltas(*amounts_ms: int, price_micro: int = 2_000_000) -> list[HourDelta]:
    return [
        HourDelta(number, 1, FIRST + number * timedelta(hours=1), ms, price_micro)
        for number, ms in enumerate(amounts_ms)
    ]


def rate(
    *amounts_ms: int, price_micro: int, voucher: VoucherTerms | None = None, hold_fen: int = 0, fees: Fees = FEES
) -> list[Rated]:
    return rating.rate(
        deltas=deltas(*amounts_ms, price_micro=price_micro),
        so_far=Totals(hold_left_fen=hold_fen),
        voucher=voucher,
        fees=fees,
    )


def total(rated: list[Rated], name: str) -> int:
    return sum(getattr(each, name) for each in rated)


def test_sixty_one_minute_reports_cost_what_one_hour_costs():
    minutes = rate(*[60_000] * 60, price_micro=1_234_567)
    (hour,) = rate(HOUR_MS, price_micro=1_234_567)

    assert hour.amount_fen == 123
    for name in ("amount_fen", "commission_fen", "vat_fen", "provider_fen"):
        assert total(minutes, name) == getattr(hour, name)


def test_the_commission_is_rounded_down_and_includes_its_vat():
    (charge,) = rate(HOUR_MS, price_micro=1_990_000)

    assert (charge.amount_fen, charge.commission_fen, charge.vat_fen, charge.provider_fen) == (199, 8, 1, 190)


def test_the_commission_on_what_a_voucher_pays_is_the_programmes():
    voucher = {"price_micro": 2_000_000, "voucher": HALF, "hold_fen": 250}

    free = rate(HOUR_MS, HOUR_MS, HOUR_MS, **voucher, fees=FREE)
    half_as_much = rate(HOUR_MS, HOUR_MS, HOUR_MS, **voucher, fees=Fees(500, 600, voucher_bp=250))

    # Vouchers pay 100, 100, 50; wallets 100, 100, 150: 5 % of 350 is 17, with 2.5 % of 250 it is 23, in steps.
    assert [(each.commission_fen, each.vat_fen, each.provider_fen) for each in free] == [
        (5, 0, 195),
        (4, 1, 195),
        (7, 0, 193),
    ]
    assert [each.commission_fen + each.vat_fen for each in half_as_much] == [7, 8, 8]


def test_fees_are_never_on_more_than_what_is_left_of_a_bill():
    kept = VoucherTerms(ratio_bp=10_000, round_unit_fen=1, expires_at=HALF.expires_at, kept_fen=200)
    so_far = Totals(
        value=HOUR_MS * 2_000_000,
        amount_fen=200,
        covered_value=WORTH,
        voucher_fen=200,
        commission_fen=9,
        vat_fen=1,
        public=Public(200, 200 * 500),
    )

    (half,) = rating.rate(deltas=deltas(-HOUR_MS // 2), so_far=so_far, voucher=kept, fees=Fees(0, 600, voucher_bp=500))

    # What a clawback has demanded back stays 200 of 100: the wallet gets the rest, the platform keeps 5 % of 100.
    assert (half.amount_fen, half.voucher_fen, half.wallet_fen) == (-100, 0, -100)
    assert (half.commission_fen, half.vat_fen, half.provider_fen) == (-4, -1, -95)


def test_a_voucher_pays_its_share_until_its_hold_is_used_up():
    rated = rate(HOUR_MS, HOUR_MS, HOUR_MS, price_micro=2_000_000, voucher=HALF, hold_fen=250)

    assert [(each.voucher_fen, each.wallet_fen) for each in rated] == [(100, 100), (100, 100), (50, 150)]


def test_a_voucher_pays_nothing_used_from_its_expiry_on():
    ends = VoucherTerms(ratio_bp=5_000, round_unit_fen=1, expires_at=FIRST + timedelta(hours=1))

    rated = rate(HOUR_MS, HOUR_MS, price_micro=2_000_000, voucher=ends, hold_fen=1_000)

    assert [(each.voucher_fen, each.wallet_fen) for each in rated] == [(100, 100), (0, 200)]


def test_a_correction_is_the_difference_to_what_was_charged():
    whole = Totals(value=WORTH, covered_value=WORTH, amount_fen=200, voucher_fen=100, commission_fen=9, vat_fen=1)

    (correction,) = rating.rate(deltas=deltas(-HOUR_MS // 2), so_far=whole, voucher=HALF, fees=FEES)

    assert (correction.amount_fen, correction.voucher_fen, correction.wallet_fen) == (-100, -50, -50)
    assert (correction.commission_fen, correction.vat_fen, correction.provider_fen) == (-4, -1, -95)


def test_growing_hours_are_charged_before_shrinking_ones():
    rated = rate(-HOUR_MS, HOUR_MS, price_micro=2_000_000)

    assert [each.delta.accelerator_ms for each in rated] == [HOUR_MS, -HOUR_MS]


def test_what_was_refunded_is_not_paid_again():
    refunded = Totals(value=WORTH, covered_value=WORTH, amount_fen=200, voucher_fen=100, commission_fen=9, vat_fen=1)

    (again,) = rating.rate(deltas=deltas(HOUR_MS), so_far=refunded, voucher=HALF, fees=FEES)

    assert (again.voucher_fen, again.wallet_fen) == (0, 200)


def test_a_rounding_unit_makes_the_wallet_wait_for_the_vouchers_next_step():
    yuan = VoucherTerms(ratio_bp=10_000, round_unit_fen=100, expires_at=FIRST + timedelta(hours=24))

    rated = rate(HOUR_MS, HOUR_MS, price_micro=600_000, voucher=yuan, hold_fen=1_000)

    assert [(each.voucher_fen, each.wallet_fen) for each in rated] == [(0, 60), (100, -40)]


def test_hours_of_different_prices_are_rounded_once_in_their_sum():
    cheap, dear = deltas(HOUR_MS, price_micro=1_234_000)[0], deltas(HOUR_MS, HOUR_MS, price_micro=2_341_000)[1]

    rated = rating.rate(deltas=[cheap, dear], so_far=CASH, voucher=None, fees=FEES)

    assert [each.amount_fen for each in rated] == [123, 235]  # 1.234 and 2.341 yuan: 3.575 in all


@given(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=60), st.integers(1, 200), st.randoms())
def test_a_quote_equals_the_charges_when_usage_equals_the_order(hourly, count, chance):
    hours = [deltas(*[0] * number, count * HOUR_MS, price_micro=micro)[number] for number, micro in enumerate(hourly)]
    chance.shuffle(hours)

    rated = rating.rate(deltas=hours, so_far=CASH, voucher=None, fees=FEES)

    assert total(rated, "amount_fen") == pricing.total_fen(hourly, count=count)


usage = st.lists(st.integers(min_value=1, max_value=50 * HOUR_MS), min_size=1, max_size=40)
prices = st.integers(min_value=1, max_value=50_000_000)
ratios = st.integers(min_value=1, max_value=10_000)


rates = st.builds(Fees, st.just(500), st.just(600), st.none() | st.integers(0, 10_000))
holds = st.integers(min_value=0, max_value=10**7)


@given(usage, prices, ratios, holds, st.sampled_from([1, 100]), st.integers(0, 48), rates)
def test_the_parts_of_charges_always_add_up(amounts_ms, price_micro, ratio_bp, hold_fen, unit, expiry_hour, fees):
    voucher = VoucherTerms(ratio_bp=ratio_bp, round_unit_fen=unit, expires_at=FIRST + expiry_hour * timedelta(hours=1))

    rated = rate(*amounts_ms, price_micro=price_micro, voucher=voucher, hold_fen=hold_fen, fees=fees)

    for each in rated:
        assert each.amount_fen == each.voucher_fen + each.wallet_fen
        assert each.amount_fen == each.provider_fen + each.commission_fen + each.vat_fen
    amount_fen = price_fen(accelerator_ms=sum(amounts_ms), price_micro=price_micro)
    assert total(rated, "amount_fen") == amount_fen
    own_fen, public_fen = total(rated, "wallet_fen"), total(rated, "voucher_fen")
    commission_fen = (own_fen * 500 + public_fen * fees.on_voucher_bp) // 10_000
    assert total(rated, "commission_fen") + total(rated, "vat_fen") == commission_fen
    eligible_fen = sum(each.amount_fen for each in rated if each.delta.hour < voucher.expires_at)
    assert total(rated, "voucher_fen") == capture_total_fen(
        ratio_bp=ratio_bp, round_unit_fen=unit, held_fen=hold_fen, eligible_used_fen=eligible_fen
    )


@given(usage, prices, ratios, rates, st.data())
def test_splitting_a_report_changes_no_total(amounts_ms, price_micro, ratio_bp, fees, data):
    voucher = VoucherTerms(ratio_bp=ratio_bp, round_unit_fen=1, expires_at=FIRST + timedelta(days=9))
    cut = data.draw(st.integers(min_value=0, max_value=len(amounts_ms)))
    terms = {"voucher": voucher, "fees": fees}
    hours = deltas(*amounts_ms, price_micro=price_micro)

    at_once = rating.rate(deltas=hours, so_far=Totals(hold_left_fen=10**9), **terms)
    first = rating.rate(deltas=hours[:cut], so_far=Totals(hold_left_fen=10**9), **terms)
    so_far = Totals(
        value=sum(amounts_ms[:cut]) * price_micro,
        amount_fen=total(first, "amount_fen"),
        covered_value=sum(amounts_ms[:cut]) * price_micro,
        voucher_fen=total(first, "voucher_fen"),
        commission_fen=total(first, "commission_fen"),
        vat_fen=total(first, "vat_fen"),
        hold_left_fen=10**9 - total(first, "voucher_fen"),
        public=Public().plus(total(first, "voucher_fen"), fees.on_voucher_bp),
    )
    second = rating.rate(deltas=hours[cut:], so_far=so_far, **terms)

    assert first + second == at_once


ONE_WAY = st.tuples(st.integers(1, 50 * HOUR_MS), ratios, st.none() | st.integers(0, 10_000), st.integers(0, 100))
EXPIRES_AT = FIRST + timedelta(days=9)


@given(st.lists(ONE_WAY, min_size=1, max_size=4), prices, st.integers(0, 10_000))
def test_each_voucher_of_a_reservation_is_charged_by_its_own_programme(purses, price_micro, own_bp):
    """Purse after purse is used, then each is corrected down: what is taken is what the rule says of what is left."""
    whole, paid, so_far = Totals(), [0] * len(purses), []
    for shrink in (False, True):
        for index, (ms, ratio_bp, voucher_bp, left_percent) in enumerate(purses):
            fees = Fees(own_bp, 600, voucher_bp)
            voucher = VoucherTerms(ratio_bp=ratio_bp, round_unit_fen=1, expires_at=EXPIRES_AT)
            mine = so_far[index] if shrink else Totals(hold_left_fen=10**9)
            before = replace(
                whole,
                covered_value=mine.covered_value,
                before_value=sum(one.covered_value for one in so_far[:index]),
                voucher_fen=mine.voucher_fen,
                hold_left_fen=mine.hold_left_fen,
            )
            ms = -(ms * left_percent // 100) if shrink else ms  # noqa: PLW2901 - what the correction takes away
            rated = rating.rate(deltas=deltas(ms, price_micro=price_micro), so_far=before, voucher=voucher, fees=fees)
            whole = rating.after(whole, rated, fees)
            paid[index] += total(rated, "voucher_fen")
            part = replace(before, covered_value=mine.covered_value + ms * price_micro, voucher_fen=paid[index])
            so_far[index:] = [part, *so_far[index + 1 :]]
            assert sum(paid) <= whole.amount_fen  # nobody is paid for what they bought
            assert all(each.amount_fen == each.provider_fen + each.commission_fen + each.vat_fen for each in rated)
    own_fen = whole.amount_fen - sum(paid)
    public = sum(
        fen * (own_bp if voucher_bp is None else voucher_bp)
        for fen, (_, _, voucher_bp, _) in zip(paid, purses, strict=True)
    )
    if own_fen >= 0:
        assert whole.commission_fen + whole.vat_fen == (own_fen * own_bp + public) // 10_000
    assert 0 <= whole.commission_fen + whole.vat_fen <= whole.amount_fen


METERS = st.lists(st.lists(st.integers(0, 2 * HOUR_MS), min_size=4, max_size=4), min_size=1, max_size=8)


@given(METERS, prices, ratios, st.integers(0, 4))
def test_a_voucher_pays_its_share_of_what_was_used_however_often_that_was_corrected(
    meters, price_micro, bp, expiry_hour
):
    """The meter shows four hours, some of them behind the expiry, again and again: no fen of its roundings adds up."""
    voucher = VoucherTerms(ratio_bp=bp, round_unit_fen=1, expires_at=FIRST + expiry_hour * timedelta(hours=1))
    so_far, shown = Totals(hold_left_fen=10**9), [0] * 4
    for meter in meters:
        hours = zip(deltas(*meter, price_micro=price_micro), shown, strict=True)
        changes = [replace(one, accelerator_ms=one.accelerator_ms - before) for one, before in hours]
        rated = rating.rate(deltas=changes, so_far=so_far, voucher=voucher, fees=FEES)
        covered = sum(meter[:expiry_hour]) * price_micro
        paid = so_far.voucher_fen + total(rated, "voucher_fen")
        refunded = sum(min(each.voucher_fen, 0) for each in rated)
        so_far = replace(rating.after(so_far, rated, FEES), covered_value=covered, voucher_fen=paid)
        so_far = replace(so_far, hold_left_fen=so_far.hold_left_fen - total(rated, "voucher_fen") + refunded)
        shown = meter

        assert paid == pricing.value_fen(covered) * bp // 10_000
        assert paid <= so_far.amount_fen == pricing.value_fen(sum(meter) * price_micro)


@given(usage, prices, ratios, rates)
def test_taking_everything_back_leaves_nothing(amounts_ms, price_micro, ratio_bp, fees):
    voucher = VoucherTerms(ratio_bp=ratio_bp, round_unit_fen=1, expires_at=FIRST + timedelta(days=9))
    there_and_back = [*amounts_ms, *[-ms for ms in amounts_ms]]

    rated = rate(*there_and_back, price_micro=price_micro, voucher=voucher, hold_fen=10**9, fees=fees)

    for name in ("amount_fen", "voucher_fen", "wallet_fen", "commission_fen", "vat_fen", "provider_fen"):
        assert total(rated, name) == 0


@given(usage, prices, ratios)
def test_a_charge_of_nothing_has_no_parts(amounts_ms, price_micro, ratio_bp):
    voucher = VoucherTerms(ratio_bp=ratio_bp, round_unit_fen=1, expires_at=FIRST + timedelta(days=9))

    rated = rate(*amounts_ms, price_micro=price_micro, voucher=voucher, hold_fen=10**9)

    for each in rated:
        if each.amount_fen == 0:
            assert (each.voucher_fen, each.wallet_fen, each.commission_fen, each.vat_fen) == (0, 0, 0, 0)
