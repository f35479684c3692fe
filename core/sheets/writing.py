"""Write a table as CSV or xlsx, in which no cell is ever a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from core.sheets import cells

CSV = "csv"
XLSX = "xlsx"
MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BYTE_ORDER_MARK = "\ufeff"


def write(
    kind: str, header: Sequence[str], rows: Iterable[Sequence[str | int | None]], *, title: str = "offerings"
) -> bytes:
    """Return rows as a file; text is fenced, numbers stay numbers."""
    fenced = [[cells.fenced(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return _workbook(header, fenced, title) if kind == XLSX else _csv(header, fenced)


def _csv(header: Sequence[str], rows: Sequence[Sequence[str | int | None]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows(rows)
    return (BYTE_ORDER_MARK + file.getvalue()).encode()


def _workbook(header: Sequence[str], rows: Sequence[Sequence[str | int | None]], title: str) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(list(header))
    for row in rows:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell for cell in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
