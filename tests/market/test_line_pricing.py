"""What lines cost: quoted once for all hours, charged in any number of pieces, the same to the fen."""

from hypothesis import given
from hypothesis import strategies as st

from market.line_pricing import GB, GIB_MONTH, MONTH, total_fen


def test_a_month_is_720_hours_and_a_quantity_of_gb_is_owed_with_the_first_hour():
    nvme = {"unit": GIB_MONTH, "quantity": 1_000, "price_micro": 360_000}
    assert [total_fen(**nvme, hours=hours) for hours in (-1, 0, 1, 720)] == [0, 0, 50, 36_000]
    assert total_fen(unit=MONTH, quantity=1, price_micro=30_000_000, hours=10) == 42
    traffic = {"unit": GB, "quantity": 10, "price_micro": 800_000}
    assert [total_fen(**traffic, hours=hours) for hours in (0, 1, 9_000)] == [0, 800, 800]


@given(
    st.sampled_from([GIB_MONTH, MONTH, GB]),
    st.integers(1, 10**7),
    st.integers(0, 10**12),
    st.lists(st.integers(0, 800), min_size=1, max_size=6),
)
def test_pieces_add_up_to_what_was_quoted_and_none_is_negative(unit, quantity, price_micro, pieces):
    terms = {"unit": unit, "quantity": quantity, "price_micro": price_micro}
    seen, charged = 0, []
    for hours in pieces:
        charged.append(total_fen(**terms, hours=seen + hours) - total_fen(**terms, hours=seen))
        seen += hours
    assert min(charged) >= 0
    assert sum(charged) == total_fen(**terms, hours=seen)
