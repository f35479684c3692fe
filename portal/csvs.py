"""CSV files that spreadsheets read as text and numbers, never as formulas."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse

from core.cells import Number, escaped

BYTE_ORDER_MARK = "\ufeff"


def number(text: str) -> Number:
    """Return a formatted number without its thousands separators."""
    return Number(text.replace(",", ""))


class _Echo:
    def write(self, line: str) -> str:
        return line


def response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Stream rows as a CSV file with a byte order mark, which Excel needs to see Chinese."""

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield BYTE_ORDER_MARK
        for row in chain([header], rows):
            yield writer.writerow([escaped(cell) for cell in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
