"""Read a CSV or xlsx file into rows of plain text, or say in one word why not."""

import csv
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.sheets import cells, workbooks
from core.sheets.limits import MOST_BYTES, MOST_CHARACTERS, MOST_COLUMNS, MOST_ROWS, Unreadable

__all__ = ["Sheet", "Unreadable", "read"]

ZIP = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DELIMITERS = ",;\t"
# Empty lines count as well: a cell far below would make us walk there.
MOST_LINES = 2 * MOST_ROWS


@dataclass(frozen=True, slots=True)
class Sheet:
    """The names of the columns as written, and each row that is not empty with its number in the file."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str


def read(content: bytes, *, known: Collection[str]) -> Sheet:
    """Return a file's table; ``known`` holds names of columns, by which an old Chinese encoding is told from rubbish.

    :raises Unreadable: if it is no such file, too large, or hides something.
    """
    if not content:
        raise Unreadable("empty")
    if len(content) > MOST_BYTES:
        raise Unreadable("too-large", most=MOST_BYTES)
    if content.startswith(ZIP):
        return _table(_workbook(content), "xlsx")
    if content.startswith(OLD_EXCEL):
        raise Unreadable("old-excel")
    text, encoding = _text(content, known)
    return _table(_lines(text), encoding)


def _workbook(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        yield from workbooks.rows(content)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, OSError, EOFError, RuntimeError) as error:
        raise Unreadable("not-a-workbook") from error
    except (ValueError, TypeError, IndexError, AttributeError, SyntaxError, NotImplementedError) as error:
        # What the reader says of XML that is broken, or that declares entities.
        raise Unreadable("not-a-workbook") from error


def _text(content: bytes, known: Collection[str]) -> tuple[str, str]:
    """Return a file as text and its encoding: what its mark says, UTF-8, or GBK where that makes a known column."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return _decoded(content, encoding), encoding
    if b"\x00" in content:
        raise Unreadable("encoding")
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = _decoded(content, "gb18030")
    first = next(iter(text.splitlines()), "")
    names = {cells.folded(name) for name in next(csv.reader([first], delimiter=_delimiter(first)), [])}
    if not names & set(known):
        raise Unreadable("encoding")
    return text, "gbk"


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        raise Unreadable("encoding") from error


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _lines(text: str) -> Iterator[tuple[int, Sequence[Any]]]:
    first = next(iter(text.splitlines()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first), strict=True)
    try:
        while True:
            number = reader.line_num + 1
            row = next(reader, None)
            if row is None:
                return
            yield number, row
    except csv.Error as error:
        raise Unreadable("not-a-csv", line=reader.line_num) from error


def _table(lines: Iterable[tuple[int, Sequence[Any]]], encoding: str) -> Sheet:
    read_lines = [_row(*line) for line in islice(lines, MOST_LINES + 1)]
    found = [(number, row) for number, row in read_lines if any(row)]
    if len(read_lines) > MOST_LINES or len(found) - 1 > MOST_ROWS:
        raise Unreadable("too-many-rows", most=MOST_ROWS)
    if not found:
        raise Unreadable("empty")
    header = found[0][1]
    while header and not header[-1]:
        header = header[:-1]
    return Sheet(header, tuple(found[1:]), encoding)


def _row(number: int, row: Sequence[Any]) -> tuple[int, tuple[str, ...]]:
    if len(row) > MOST_COLUMNS:
        raise Unreadable("too-many-columns", most=MOST_COLUMNS)
    texts = tuple(cells.text(cell, line=number) for cell in row)
    longest = max(map(len, texts), default=0)
    if longest > MOST_CHARACTERS:
        raise Unreadable("cell-too-long", line=number, most=MOST_CHARACTERS)
    return number, texts
