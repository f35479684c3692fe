"""One contract, one invoice, however somebody writes its number."""

import pytest

from vouchers import numbers


@pytest.mark.parametrize(
    "written",
    [
        "BJ-2026-001",
        " bj-2026-001 ",
        "ＢＪ－２０２６－００１",
        "BJ 2026 001",
        "BJ\u20112026\u2014001\u200b",
        "ВJ-2O26-OOl",  # a Cyrillic letter, and letters for digits
        "BJ（2026）001",
    ],
)
def test_look_alikes_are_one_number(written):
    assert numbers.key(written) == "BJ2026001"


@pytest.mark.parametrize("other", ["BJ-2026-002", "BJ-2026-01", "SH-2026-001"])
def test_other_numbers_are_others(other):
    assert numbers.key(other) != numbers.key("BJ-2026-001")


def test_a_number_of_signs_only_is_empty():
    assert numbers.key(" -— ") == ""
