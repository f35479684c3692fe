"""Cash shares what the limit leaves above the ask; vouchers pay the posted ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching.auction.instance import BadInput
from market.matching.auction.pricing import contract_price_micro


@pytest.mark.parametrize(
    ("terms", "price"),
    [({}, 100), ({"k_bp": 5_000}, 150), ({"k_bp": 10_000}, 201), ({"k_bp": 5_000, "voucher": True}, 100)],
)
def test_the_price_lies_between_ask_and_limit(terms, price):
    assert contract_price_micro(ask_micro=100, limit_micro=201, **terms) == price


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"ask_micro": 5, "limit_micro": 4}, "an ask of 5 micro-yuan does not meet a limit of 4"),
        ({"ask_micro": -1, "limit_micro": 4}, "an ask of -1 micro-yuan does not meet a limit of 4"),
        (
            {"ask_micro": 1, "limit_micro": 4, "k_bp": 10_001},
            "a share of 10001 basis points is not between 0 and 10000",
        ),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms, sentence):
    with pytest.raises(BadInput, match=sentence):
        contract_price_micro(**terms)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10_000))
def test_nobody_pays_more_than_his_limit(ask, room, k_bp):
    assert ask <= contract_price_micro(ask_micro=ask, limit_micro=ask + room, k_bp=k_bp) <= ask + room
