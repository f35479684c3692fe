"""Read the first sheet of an xlsx file: nothing in it is run, and no more of it is unpacked than a seller can mean."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import openpyxl
from openpyxl.xml import DEFUSEDXML

from core.sheets.limits import MOST_PARTS, MOST_RATIO, MOST_UNPACKED, Unreadable

# Without it a workbook of a few kilobytes could grow by entities that name each other.
assert DEFUSEDXML, "install defusedxml"

MACROS = "vbaproject"


def rows(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the rows of the first sheet with their numbers."""
    _check_parts(content)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), start=1):
            yield number, _values(row, number)
    finally:
        book.close()


def _values(row: Sequence[Any], number: int) -> list[Any]:
    if any(getattr(cell, "data_type", "") == "f" for cell in row):
        raise Unreadable("formula", line=number)
    values = [cell.value for cell in row]
    while values and values[-1] is None:
        values.pop()
    return values


def _check_parts(content: bytes) -> None:
    """Look at what the archive says of itself; a part that is longer than it says is cut off by the reader."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > packed * MOST_RATIO:
        raise Unreadable("bomb")
    if any(MACROS in part.filename.lower() for part in parts):
        raise Unreadable("macros")
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("password")
