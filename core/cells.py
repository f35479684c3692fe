"""Cells of tables that people open in a spreadsheet: text stays text, whatever somebody named themselves."""

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Number(str):
    """Digits that we wrote ourselves: a spreadsheet may read them as a number, minus sign included."""

    __slots__ = ()


def escaped(cell: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run; numbers stay numbers."""
    if isinstance(cell, str) and not isinstance(cell, Number) and cell.lstrip().startswith(FORMULA):
        return f"'{cell}"
    return cell
