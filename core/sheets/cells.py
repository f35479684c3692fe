"""Cells as plain text: what spreadsheets would run is fenced, what only looks like a letter or a digit is found out."""

import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from core.sheets.limits import Unreadable

FENCE = "'"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FORMATTERS = {"Cc", "Cf", "Co", "Cs"}
HARMLESS = "\t\r\n"
LOOKALIKES = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "MATHEMATICAL")


def fenced(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run."""
    return f"{FENCE}{text}" if text.lstrip().startswith((*DANGEROUS, FENCE)) else text


def unfenced(text: str) -> str:
    """Take away the apostrophe that ``fenced`` has put there."""
    inner = text[1:]
    return inner if text.startswith(FENCE) and fenced(inner) == text else text


def text(value: Any, *, line: int) -> str:
    """Return a cell's value as text without spaces around it.

    :raises Unreadable: if it is a formula, or hides characters that nobody sees.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return _plain(value, line)
    return _written(value)


def _plain(value: str, line: int) -> str:
    stripped = value.strip()
    if stripped.startswith("="):
        raise Unreadable("formula", line=line)
    if any(unicodedata.category(one) in FORMATTERS and one not in HARMLESS for one in stripped):
        raise Unreadable("hidden-characters", line=line)
    return unfenced(stripped)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    # A spreadsheet keeps every number as a float: its shortest writing is what the seller saw.
    return f"{Decimal(repr(value)).normalize():f}"


def folded(name: str) -> str:
    """Return a column's name as it is compared: width, case and spaces do not count."""
    return unicodedata.normalize("NFKC", name).strip().casefold().replace(" ", "_")


def plain_width(value: str) -> str:
    """Return text with full-width letters and digits as the ordinary ones."""
    return unicodedata.normalize("NFKC", value).strip()


def mixes_writing(value: str) -> bool:
    """Tell whether a word has Latin letters beside others that only look like them."""
    for word in value.split():
        names = [unicodedata.name(one, "") for one in word if one.isalpha()]
        latin = any(name.startswith("LATIN") for name in names)
        if latin and any(name.startswith(LOOKALIKES) for name in names):
            return True
    return False
