"""The reference of a bank transfer is found however a person types it, and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways.bank_transfer import ALPHABET, grouped, new_reference, reference_in


def with_check(body):
    return next("SY" + body + mark for mark in ALPHABET if reference_in("SY" + body + mark))


KNOWN = with_check("7K3M0QW1")


def test_a_new_reference_is_found_as_it_is():
    reference = new_reference()

    assert (len(reference), reference_in(reference)) == (11, reference)


def test_references_differ():
    assert len({new_reference() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "remark",
    [
        KNOWN,
        KNOWN.lower(),
        grouped(KNOWN),
        f"算力充值{KNOWN}",
        f"  {grouped(KNOWN)} 谢谢 ",
        KNOWN.replace("0", "O").replace("1", "l"),
        KNOWN.replace("1", "I"),
        "".join(chr(ord(symbol) + 0xFEE0) for symbol in KNOWN),
        " ".join(KNOWN),
        f"{KNOWN}，{KNOWN}",
        f"EASY {KNOWN}",
    ],
)
def test_a_reference_is_found_however_it_is_typed(remark):
    assert reference_in(remark) == KNOWN


@pytest.mark.parametrize("remark", ["", "货款", KNOWN[:-1], KNOWN[2:], f"{KNOWN} {with_check('ABCD2345')}"])
def test_no_reference_or_two_are_none(remark):
    assert reference_in(remark) is None


@given(st.integers(2, 10), st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_noticed(place, symbol):
    wrong = KNOWN[:place] + symbol + KNOWN[place + 1 :]

    assert reference_in(wrong) == (KNOWN if wrong == KNOWN else None)


def test_a_reference_is_grouped_for_reading():
    assert grouped("SY7K3M9QWXC") == "SY-7K3M-9QWX-C"
