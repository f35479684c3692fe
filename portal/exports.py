"""A list as a file, CSV or xlsx, that spreadsheets read as text and numbers and never as formulas."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from core import sheets
from core.sheets import writing

MOST_ROWS = 5_000
SHOWN_INLINE = {"application/pdf", "image/png", "image/jpeg"}
"""Kinds of files that browsers show without running anything."""


def response(kind: str, name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Return rows as a download of a kind."""
    if kind not in writing.MEDIA_TYPES:
        raise Http404
    content = sheets.write(kind, [str(cell) for cell in header], [_plain(row) for row in rows], title=name)
    return download(content, name=f"{name}.{kind}", media_type=writing.MEDIA_TYPES[kind])


def download(content: bytes, *, name: str, media_type: str) -> HttpResponse:
    """Return a file that is saved, whatever is inside."""
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, no-store"
    return answer


def beside(answer: HttpResponseBase) -> HttpResponseBase:
    """Let a page of ours show a file in itself, under a policy that runs no script."""
    answer["Content-Disposition"] = "inline"
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return answer


def _plain(row: Sequence[Any]) -> list[str | int | None]:
    return [cell if cell is None or isinstance(cell, int) else str(cell) for cell in row]
