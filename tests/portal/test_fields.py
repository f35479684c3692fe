"""What people type becomes integers and instants, or an error beside the field."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.fields import DayField, HourField, PriceField, UploadField, YuanField


@pytest.mark.parametrize(
    ("text", "fen"),
    [("12", 12_00), ("12.3", 12_30), ("0.01", 1), (" 1,234.05 ", 1_234_05), ("007", 7_00), ("１２．５", 12_50)],
)
def test_yuan_become_fen(text: str, fen: int) -> None:
    assert YuanField().clean(text) == fen


@pytest.mark.parametrize(("text", "micro"), [("2.2", 2_200_000), ("0.000001", 1), ("1000000", 1_000_000_000_000)])
def test_prices_become_micro_yuan(text: str, micro: int) -> None:
    assert PriceField().clean(text) == micro


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.234", "1e3", "½", "NaN", "inf", "0x10", "1;2", "12\x00", "9" * 20, "一百", "."]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        YuanField().clean(text)


def test_a_field_shows_an_amount_as_it_reads_it() -> None:
    assert YuanField().prepare_value(1_234_05) == "1234.05"
    assert PriceField().prepare_value(2_200_000) == "2.20"
    assert PriceField().prepare_value("abc") == "abc"


def test_an_hour_in_shanghai_becomes_an_instant() -> None:
    assert HourField().clean("2026-10-20T10:00") == datetime(2026, 10, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "2026-10-20T10:30", "2026-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:00", "tomorrow", "2026-10-20\x00"],
)
def test_what_is_no_full_hour_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        HourField().clean(text)


def test_a_day_is_one_of_our_time() -> None:
    assert DayField().clean("2026-10-20") == date(2026, 10, 20)
    for text in ("0001-01-01", "9999-12-31", "2026-02-30", "20\x0026"):
        with pytest.raises(ValidationError):
            DayField().clean(text)


def test_a_file_that_is_too_large_is_never_read() -> None:
    sent = SimpleUploadedFile("a.pdf", b"%PDF-" + b"0" * 5)

    assert UploadField(most_bytes=10).clean(sent) is sent
    with pytest.raises(ValidationError):
        UploadField(most_bytes=9).clean(sent)
