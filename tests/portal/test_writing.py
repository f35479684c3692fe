"""How pages write money, card-hours, instants, and cells of a spreadsheet."""

from datetime import UTC, date, datetime

import pytest

from portal import csvs
from portal.templatetags import portal as tags


@pytest.mark.parametrize(("fen", "text"), [(0, "¥0.00"), (123_405, "¥1,234.05"), (-5, "-¥0.05"), (None, "–")])
def test_fen_are_written_as_yuan(fen: int | None, text: str) -> None:
    assert tags.yuan(fen) == text


def test_movements_carry_their_sign() -> None:
    assert [tags.signed_yuan(fen) for fen in (500, -500)] == ["+¥5.00", "-¥5.00"]


@pytest.mark.parametrize(
    ("accelerator_ms", "text"),
    [(3_600_000, "1.000"), (1_800, "0.001"), (1_799, "0.000"), (-5_400_000, "-1.500"), (4_446_000_000, "1,235.000")],
)
def test_card_hours_have_three_decimals_half_up(accelerator_ms: int, text: str) -> None:
    assert tags.card_hours(accelerator_ms) == text


@pytest.mark.parametrize(("bp", "text"), [(3_000, "30%"), (1_250, "12.5%"), (1, "0.01%"), (10_000, "100%")])
def test_basis_points_are_written_as_a_percentage(bp: int, text: str) -> None:
    assert tags.percent(bp) == text


def test_instants_are_shown_as_shanghai_clocks_show_them() -> None:
    shown = tags.shanghai(datetime(2026, 10, 19, 18, 30, tzinfo=UTC))

    assert shown == '<time datetime="2026-10-20T02:30:00+08:00">2026-10-20 02:30</time>'
    assert tags.shanghai(date(2026, 10, 1)) == "2026-10-01"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "＝1"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(cell: str) -> None:
    assert csvs.escaped(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["plain", "大模型", 12, csvs.number("-1,234.05"), "a=b"])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert csvs.escaped(cell) == cell


def test_numbers_in_a_file_have_no_separators() -> None:
    assert csvs.number("-1,234.05") == "-1234.05"
