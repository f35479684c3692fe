"""The rules alone: no database, no Django."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vouchers import rules
from vouchers.rules import Cap, Limits, Refusal, Spending, Terms

QINGYANG = Terms(programme="QY-2024", ratio_bp=3_000, eligible_categories=("GPU_TRAIN", "GPU_INFER"))
BEIJING = replace(QINGYANG, programme="BJ-2023", ratio_bp=2_000)
WUHAN = replace(QINGYANG, programme="WH-OPC-2026", ratio_bp=5_000)
AMPLE = Limits(grant_available_fen=10**12)


def training(amount_fen, *, listed=True):
    return Spending(category="GPU_TRAIN", provider_listed=listed, amount_fen=amount_fen)


def quoted(terms, amount_fen, limits=AMPLE):
    return rules.quote(terms=terms, spending=[training(amount_fen)], limits=limits)


def codes(quote):
    return [str(step.code) for step in quote.steps]


def test_an_instant_voucher_pays_its_ratio_rounded_down():
    quote = quoted(QINGYANG, 1_234_567)

    assert quote.amount_fen == 370_370
    assert quote.eligible_fen - quote.amount_fen == 864_197
    assert quote.binding_cap is None
    assert quote.refused is None
    assert codes(quote) == ["INCLUDED", "ELIGIBLE", "RATIO", "CAP", "AWARD"]


def test_lines_that_are_not_eligible_are_left_out_and_named():
    lines = [
        training(10_000_000),
        Spending(category="STORAGE", provider_listed=True, amount_fen=2_000_000),
        Spending(category="NETWORK", provider_listed=True, amount_fen=500_000),
    ]

    quote = rules.quote(terms=BEIJING, spending=lines, limits=AMPLE)

    assert quote.amount_fen == 2_000_000
    assert quote.eligible_fen == 10_000_000
    excluded = [(step.params["category"], step.amount_fen) for step in quote.steps if step.code == "EXCLUDED"]
    assert excluded == [("STORAGE", 2_000_000), ("NETWORK", 500_000)]


def test_the_yearly_cap_of_the_entity_cuts_and_is_named():
    quote = quoted(QINGYANG, 10_000_000, replace(AMPLE, entity_year_left_fen=100_000))

    assert quote.amount_fen == 100_000
    assert quote.binding_cap == Cap.ENTITY_YEAR


def test_a_programme_that_does_not_pay_in_part_refuses_and_names_the_cap():
    terms = replace(QINGYANG, partial_when_short=False)

    quote = quoted(terms, 10_000_000, replace(AMPLE, entity_year_left_fen=100_000))

    assert quote.amount_fen == 0
    assert quote.refused == Refusal.SHORT
    assert quote.binding_cap == Cap.ENTITY_YEAR


def test_an_exhausted_grant_is_short_even_where_parts_are_paid():
    quote = quoted(QINGYANG, 10_000_000, Limits(grant_available_fen=0))

    assert quote.refused == Refusal.SHORT
    assert quote.binding_cap == Cap.GRANT


def test_the_tightest_cap_binds_and_ties_go_to_the_first():
    limits = Limits(grant_available_fen=700, entity_year_left_fen=700)

    quote = quoted(replace(QINGYANG, order_cap_fen=900), 10_000, limits)

    assert quote.amount_fen == 700
    assert quote.binding_cap == Cap.ENTITY_YEAR
    assert quoted(replace(QINGYANG, order_cap_fen=600), 10_000, limits).binding_cap == Cap.ORDER_CAP
    assert quoted(QINGYANG, 10_000, replace(limits, grant_available_fen=699)).binding_cap == Cap.GRANT


def test_awards_come_in_whole_rounding_units():
    terms = replace(QINGYANG, round_unit_fen=100)

    assert quoted(terms, 1_234_567).amount_fen == 370_300
    assert "ROUNDED" in codes(quoted(terms, 1_234_567))
    assert quoted(terms, 1_234_567, Limits(grant_available_fen=12_345)).amount_fen == 12_300


def test_the_smallest_award_is_inclusive():
    terms = replace(QINGYANG, min_award_fen=3_000)

    assert quoted(terms, 10_000).amount_fen == 3_000
    below = quoted(terms, 9_999)
    assert below.refused == Refusal.BELOW_MINIMUM
    assert below.amount_fen == 0
    assert codes(below)[-2:] == ["MINIMUM", "REFUSED"]


def test_an_award_that_a_cap_pushes_below_the_minimum_is_refused():
    quote = quoted(replace(QINGYANG, min_award_fen=3_000), 20_000, Limits(grant_available_fen=2_999))

    assert quote.refused == Refusal.BELOW_MINIMUM
    assert quote.binding_cap == Cap.GRANT


def test_spending_too_small_for_one_unit_is_below_the_minimum():
    assert quoted(QINGYANG, 3).refused == Refusal.BELOW_MINIMUM


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (Spending(category="STORAGE", provider_listed=True, amount_fen=100), Refusal.CATEGORY_NOT_ELIGIBLE),
        (training(100, listed=False), Refusal.PROVIDER_NOT_LISTED),
    ],
)
def test_spending_without_an_eligible_line_is_refused_with_its_reason(line, reason):
    quote = rules.quote(terms=QINGYANG, spending=[line], limits=AMPLE)

    assert quote.refused == reason
    assert quote.amount_fen == 0
    assert quote.eligible_fen == 0


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(AMPLE, programme_open=False), Refusal.PROGRAMME_NOT_OPEN),
        (replace(AMPLE, grant_usable=False), Refusal.GRANT_NOT_USABLE),
    ],
)
def test_nothing_is_paid_from_what_is_not_usable(limits, reason):
    quote = quoted(QINGYANG, 10_000, limits)

    assert quote.refused == reason
    assert codes(quote) == ["REFUSED"]


def test_spending_is_never_negative():
    with pytest.raises(ValueError, match="not negative"):
        training(-1)


def test_nothing_to_pay_is_below_the_minimum():
    assert rules.quote(terms=QINGYANG, spending=[], limits=AMPLE).refused == Refusal.BELOW_MINIMUM


def test_metered_use_below_the_estimate_captures_less():
    total = rules.capture_total_fen(ratio_bp=5_000, round_unit_fen=1, held_fen=500_000, eligible_used_fen=765_432)

    assert total == 382_716
    assert 500_000 - total == 117_284


def test_a_capture_never_exceeds_its_hold():
    assert rules.capture_total_fen(ratio_bp=5_000, round_unit_fen=1, held_fen=99, eligible_used_fen=1_000) == 99


def test_a_refund_takes_back_its_share_rounded_down():
    returned = rules.refund_total_fen(captured_fen=240_000, eligible_fen=800_000, refunded_eligible_fen=500_000)

    assert returned == 150_000
    assert 500_000 - returned == 350_000


@pytest.mark.parametrize(("eligible_fen", "refunded_fen"), [(0, 0), (10, 11), (10, -1)])
def test_a_refund_beyond_what_was_paid_is_an_error(eligible_fen, refunded_fen):
    with pytest.raises(ValueError, match="refund"):
        rules.refund_total_fen(captured_fen=5, eligible_fen=eligible_fen, refunded_eligible_fen=refunded_fen)


amounts = st.integers(0, 10**12)
terms_strategy = st.builds(
    Terms,
    programme=st.just("P"),
    ratio_bp=st.integers(1, 10_000),
    eligible_categories=st.just(("A", "B")),
    order_cap_fen=st.none() | st.integers(1, 10**10),
    min_award_fen=st.integers(0, 10**6),
    round_unit_fen=st.sampled_from([1, 10, 100, 10_000]),
    partial_when_short=st.booleans(),
)
spending_strategy = st.lists(
    st.builds(Spending, category=st.sampled_from("ABC"), provider_listed=st.booleans(), amount_fen=amounts), max_size=4
)
limits_strategy = st.builds(
    Limits,
    grant_available_fen=amounts,
    entity_year_left_fen=st.none() | amounts,
    programme_open=st.booleans() | st.just(True),
    grant_usable=st.booleans() | st.just(True),
)


@given(terms=terms_strategy, spending=spending_strategy, limits=limits_strategy)
def test_an_award_never_exceeds_the_ratio_or_any_limit(terms, spending, limits):
    quote = rules.quote(terms=terms, spending=spending, limits=limits)

    paid = sum(s.amount_fen for s in spending if s.category in "AB" and s.provider_listed)
    assert quote.amount_fen * 10_000 <= paid * terms.ratio_bp
    assert quote.amount_fen <= limits.grant_available_fen
    assert quote.amount_fen <= min(terms.order_cap_fen or 10**18, paid)
    assert limits.entity_year_left_fen is None or quote.amount_fen <= limits.entity_year_left_fen
    assert quote.amount_fen % terms.round_unit_fen == 0
    assert quote.amount_fen == 0 or quote.amount_fen >= terms.min_award_fen
    assert (quote.amount_fen == 0) == (quote.refused is not None)
    assert quote.steps[-1].amount_fen == quote.amount_fen


@given(terms=terms_strategy, spending=spending_strategy, limits=limits_strategy)
def test_a_stored_explanation_computes_to_itself_and_holds_no_float(terms, spending, limits):
    explanation = rules.quote(terms=terms, spending=spending, limits=limits).explanation()

    def no_floats(text):
        raise AssertionError(text)

    stored = json.loads(json.dumps(explanation), parse_float=no_floats)

    assert rules.replay(stored).explanation() == explanation == stored


@given(
    captured=st.integers(0, 10**10),
    parts=st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any),
)
def test_refunds_in_parts_add_up_to_all_that_was_captured(captured, parts):
    eligible_fen = sum(parts)

    so_far, returned = 0, []
    for part in parts:
        so_far += part
        total = rules.refund_total_fen(captured_fen=captured, eligible_fen=eligible_fen, refunded_eligible_fen=so_far)
        returned.append(total - sum(returned))

    assert min(returned) >= 0
    assert sum(returned) == captured
