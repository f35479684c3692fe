"""Money: integers, one rounding, shares that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money

amounts = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (149, 100, 1), (-149, 100, -1), (150, 100, 2), (0, 7, 0), (7, 1, 7)],
)
def test_halves_are_rounded_away_from_zero(numerator, denominator, rounded):
    assert money.round_half_up(numerator, denominator) == rounded


@pytest.mark.parametrize("denominator", [0, -1])
def test_nothing_is_divided_by_less_than_one(denominator):
    with pytest.raises(ValueError, match="positive"):
        money.round_half_up(1, denominator)


@given(amounts, st.integers(min_value=1, max_value=10**9))
def test_rounding_is_never_off_by_more_than_a_half(numerator, denominator):
    assert 2 * abs(money.round_half_up(numerator, denominator) * denominator - numerator) <= denominator


@given(amounts, st.integers(min_value=1, max_value=10**9))
def test_rounding_treats_both_signs_alike(numerator, denominator):
    assert money.round_half_up(-numerator, denominator) == -money.round_half_up(numerator, denominator)


def test_a_card_hour_costs_its_price():
    assert money.price_fen(accelerator_ms=3_600_000, price_micro=2_200_000) == 220
    assert money.price_fen(accelerator_ms=1, price_micro=2_200_000) == 0


def test_a_share_is_rounded_down():
    assert money.share_fen(amount_fen=199, ratio_bp=5_000) == 99


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (5, [0, 0], [3, 2]),
        (0, [3, 1], [0, 0]),
        (101, [1, 0, 99], [1, 0, 100]),
        (10, [2, 3, 5], [2, 3, 5]),
    ],
)
def test_odd_fen_go_to_the_largest_remainders_and_the_first_of_equals(total, weights, parts):
    assert money.split_fen(total, weights) == parts


@given(
    st.integers(min_value=0, max_value=10**15),
    st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=60),
)
def test_the_parts_of_a_split_add_up_and_are_within_a_fen(total, weights):
    parts = money.split_fen(total, weights)

    assert sum(parts) == total
    shares = weights if any(weights) else [1] * len(weights)
    for part, share in zip(parts, shares, strict=True):
        assert abs(part * sum(shares) - total * share) < sum(shares)


@pytest.mark.parametrize(("total", "weights"), [(1, []), (-1, [1]), (1, [1, -1])])
def test_a_split_of_nonsense_is_refused(total, weights):
    with pytest.raises(ValueError, match="split_fen"):
        money.split_fen(total, weights)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456_789, "1,234,567.89"), (-100, "-1.00")]
)
def test_fen_are_shown_as_yuan(fen, text):
    assert money.format_yuan(fen) == text


@pytest.mark.parametrize(
    ("micro", "text"),
    [(2_200_000, "2.20"), (123_456, "0.123456"), (1_234_500_000, "1,234.50"), (2_205_000, "2.205"), (-1, "-0.000001")],
)
def test_prices_are_shown_with_two_to_six_decimals(micro, text):
    assert money.format_micro(micro) == text


@pytest.mark.parametrize(
    ("text", "number"), [("2.2", 2_200_000), ("-0.5", -500_000), ("1,000", 10**9), (" 7 ", 7_000_000), ("0.000001", 1)]
)
def test_plain_decimals_are_read_exactly(text, number):
    assert money.parse_scaled(text, decimals=6) == number


@pytest.mark.parametrize("text", ["", ".", "-", "1e3", "1.2.3", "0.0000001", "١", "1.x", "--1", "NaN", "1.٢"])
def test_what_is_no_plain_decimal_is_refused(text):
    with pytest.raises(ValueError, match="decimals"):
        money.parse_scaled(text, decimals=6)


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_yuan_that_are_shown_are_read_back(fen):
    assert money.parse_scaled(money.format_yuan(fen), decimals=2) == fen
