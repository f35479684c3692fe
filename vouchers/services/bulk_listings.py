"""Enter many providers in the registry from a sheet: looked at first without any effect, then all rows or none.

The look does what entering would do and takes it back, so that it finds exactly what entering would refuse.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services.audit import Actor
from core import sheets
from core.errors import DomainError
from core.sheets import Sheet, cells
from vouchers.models import Programme
from vouchers.services import registry
from vouchers.services.bulk_grants import BadHeader, RowsRefused

COLUMNS = {
    "credit_code": {"credit_code", "统一社会信用代码"},
    "item": {"item", "服务事项"},
    "batch": {"batch", "名录批次", "入库批次", "批次"},
    "first_on": {"first_on", "起始日期"},
    "last_on": {"last_on", "截止日期"},
}
KNOWN = {cells.folded(name) for names in COLUMNS.values() for name in names}
NEEDED = {"credit_code", "first_on", "last_on"}
MOST_ROWS = 500
LONGEST = {"item": 200, "batch": 80}
ONE_DAY = timedelta(days=1)


class TooManyRows(DomainError):
    """A sheet has more rows than are entered at once."""

    code = "too-many-rows"


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of a row: who is entered for what and until when, or what is wrong with it."""

    line: int
    provider: Organization | None
    said: dict[str, str]
    error: str


def preview(*, programme: Programme, content: bytes, actor: Actor, at: datetime) -> list[Line]:
    """Return what entering a sheet would do, without any effect.

    :raises UnreadableFile: if it is no table.
    :raises BadHeader: if a column is unknown, missing or comes twice.
    :raises TooManyRows: if it has more rows than are entered at once.
    """
    rows = _rows(sheets.load(content, known=KNOWN))
    with transaction.atomic():
        lines = _enter(programme, rows, actor, at)
        transaction.set_rollback(True)
    return lines


@transaction.atomic
def enter(*, programme: Programme, content: bytes, actor: Actor, at: datetime) -> int:
    """Enter every row of a sheet, all or none, and return how many; another person lists them.

    :raises UnreadableFile, BadHeader, TooManyRows: as ``preview`` does.
    :raises RowsRefused: if a row has an error, or there is none.
    """
    lines = _enter(programme, _rows(sheets.load(content, known=KNOWN)), actor, at)
    wrong = [{"line": line.line, "errors": [line.error]} for line in lines if line.error]
    if wrong or not lines:
        raise RowsRefused(_("%(count)d rows have errors; nothing was changed.") % {"count": len(wrong)}, rows=wrong)
    return len(lines)


def _rows(sheet: Sheet) -> list[tuple[int, dict[str, str]]]:
    known = {cells.folded(one): column for column, several in COLUMNS.items() for one in several}
    names = [cells.folded(name) for name in sheet.header]
    columns = [known.get(name, "") for name in names]
    if "" in columns or NEEDED - set(columns) or len(set(columns)) < len(columns):
        raise BadHeader(_("The columns are credit_code, item, batch, first_on and last_on, each once."))
    rows = [(number, dict(zip(columns, row, strict=False))) for number, row in sheet.rows]
    if len(rows) > MOST_ROWS:
        raise TooManyRows(_("At most %(most)d rows at once.") % {"most": MOST_ROWS})
    return rows


def _enter(programme: Programme, rows: list[tuple[int, dict[str, str]]], actor: Actor, at: datetime) -> list[Line]:
    codes = {_code(said) for _number, said in rows}
    providers = {one.credit_code: one for one in Organization.objects.filter(credit_code__in=codes)}
    lines = []
    for number, said in rows:
        provider, errors = providers.get(_code(said)), list[str]()
        with _noting(errors), transaction.atomic():
            _apply(programme, provider, said, actor, at)
        lines.append(Line(number, provider, said, " ".join(errors)))
    return lines


def _apply(
    programme: Programme, provider: Organization | None, said: dict[str, str], actor: Actor, at: datetime
) -> None:
    if provider is None:
        raise registry.BadListing(_("No organisation has this credit code."))
    registry.apply(
        programme=programme,
        provider=provider,
        item=said.get("item", "").strip()[: LONGEST["item"]],
        batch=said.get("batch", "").strip()[: LONGEST["batch"]],
        valid_from=_day(said.get("first_on", "")),
        valid_until=_day(said.get("last_on", "")) + ONE_DAY,
        actor=actor,
        at=at,
    )


@contextmanager
def _noting(errors: list[str]) -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        errors.append(str(error.detail))


def _code(said: dict[str, str]) -> str:
    return cells.plain_width(said.get("credit_code", "")).strip().upper()


def _day(text: str) -> date:
    """Read a day as people and workbooks write it."""
    plain = cells.plain_width(text).strip().replace("/", "-")[:10]
    try:
        day = datetime.strptime(plain, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the calendar, not an instant
    except ValueError as error:
        raise registry.BadListing(_("“%(text)s” is no day, like 2026-10-01.") % {"text": text[:40]}) from error
    if not date(2000, 1, 1) <= day < date(2200, 1, 1):
        raise registry.BadListing(_("“%(text)s” is no day, like 2026-10-01.") % {"text": text[:40]})
    return day
