"""Say in the reader's language why a file is no table that we read."""

from collections.abc import Collection

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from core.errors import DomainError
from core.sheets import reading
from core.sheets.limits import Unreadable
from core.sheets.reading import Sheet

WHY_UNREADABLE: dict[str, Promise] = {
    "empty": gettext_lazy("The file is empty."),
    "too-large": gettext_lazy("The file has more than %(most)d bytes."),
    "too-many-rows": gettext_lazy("The file has more than %(most)d rows."),
    "too-many-columns": gettext_lazy("The file has more than %(most)d columns."),
    "cell-too-long": gettext_lazy("A cell in line %(line)d has more than %(most)d characters."),
    "encoding": gettext_lazy("The encoding is not known: save the file as UTF-8, as GBK, or as xlsx."),
    "old-excel": gettext_lazy("This is an old Excel file: save it as xlsx or CSV."),
    "not-a-workbook": gettext_lazy("This is no xlsx file that can be read."),
    "not-a-csv": gettext_lazy("Line %(line)d is no CSV: a quotation mark is open or misplaced."),
    "bomb": gettext_lazy("Unpacked, the file would be too large."),
    "macros": gettext_lazy("Files with macros are not taken."),
    "password": gettext_lazy("Files with a password are not taken."),
    "formula": gettext_lazy("Line %(line)d has a formula: paste values only."),
    "hidden-characters": gettext_lazy("Line %(line)d has characters that nobody sees."),
}


class UnreadableFile(DomainError):
    """The file is no table that we read; ``reason`` says why."""

    code = "unreadable-file"


def load(content: bytes, *, known: Collection[str]) -> Sheet:
    """Return a file's table, as ``reading.read`` does.

    :raises UnreadableFile: if it is no table.
    """
    try:
        return reading.read(content, known=known)
    except Unreadable as error:
        raise UnreadableFile(str(WHY_UNREADABLE[error.code]) % error.figures, reason=error.code) from error
