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


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ("26117000001234567890", True),  # fully digital
        ("２６１１ 7000 0012 3456 7890", True),
        ("044001900211-12345678", True),  # a code of twelve, and the number
        ("3100194130 12345678", True),  # a code of ten
        ("12345678", False),  # without its code
        ("2611700000123456789", False),
        ("2611700000123456789O", False),
        ("٢٦١١٧٠٠٠٠٠١٢٣٤٥٦٧٨٩٠", False),
        ("", False),
    ],
)
def test_an_invoice_has_the_digits_of_one(written, is_one):
    assert numbers.is_invoice(written) is is_one
