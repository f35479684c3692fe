"""Propose many grants from a sheet: looked at first without any effect, then all rows or none, and each sheet once."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core import sheets
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.money import format_yuan, parse_scaled
from core.sheets import Sheet, cells
from vouchers import pools, tranches
from vouchers.models import Blacklisting, Grant, GrantBatch, GrantBatchRow, Programme
from vouchers.services import grants, people

COLUMNS = {
    "credit_code": {"credit_code", "统一社会信用代码"},
    "face_yuan": {"face_yuan", "面额", "面额（元）", "面额(元)"},
    "district": {"district", "区县", "所属区县"},
    "note": {"note", "备注"},
}
KNOWN = {cells.folded(name) for names in COLUMNS.values() for name in names}
NEEDED = ("credit_code", "face_yuan")
MOST_FEN = 10**13


class BadHeader(DomainError):
    """A column is unknown, missing or comes twice."""

    code = "bad-header"


class RowsRefused(DomainError):
    """Rows have errors, or the budget is short, so that nothing was proposed; ``rows`` names them."""

    code = "rows-refused"


class SheetTaken(Conflict):
    """Grants were proposed from this sheet before."""

    code = "sheet-taken"


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of a row: to whom how much, or what is wrong with it."""

    line: int
    credit_code: str
    owner: Organization | None
    face_fen: int
    pool: str
    note: str
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What proposing from a sheet would do; ``short_fen`` is what the released budget lacks for all of it.

    What a pool lacks is an error of the rows for which it has not enough, in the order of the sheet.
    """

    sha256: str
    lines: tuple[Line, ...]
    total_fen: int
    short_fen: int

    @property
    def sound(self) -> bool:
        """Tell whether every row can be proposed, and there is budget for all of them."""
        return bool(self.lines) and not self.short_fen and not any(line.errors for line in self.lines)


def preview(*, programme: Programme, content: bytes, at: datetime) -> Report:
    """Return what proposing from a sheet would do now, without any effect.

    :raises UnreadableFile: if it is no table.
    :raises BadHeader: if a column is unknown, missing or comes twice.
    """
    sheet = sheets.load(content, known=KNOWN)
    places = _places(sheet)
    rows = [
        (number, {name: row[place] if place < len(row) else "" for name, place in places.items()})
        for number, row in sheet.rows
    ]
    codes = [cells.plain_width(row["credit_code"]).upper() for _number, row in rows]
    barred = Exists(Blacklisting.objects.standing(at).filter(organization=OuterRef("pk")))
    firms = Organization.objects.filter(credit_code__in=codes).annotate(barred=barred)
    owners = {one.credit_code: one for one in firms}
    times = Counter(codes)
    lines = _within_pools(
        programme,
        [
            _line(programme, number, code, row, owners.get(code), times[code])
            for (number, row), code in zip(rows, codes, strict=True)
        ],
    )
    total_fen = sum(line.face_fen for line in lines)
    short_fen = max(total_fen - tranches.left_fen(programme, at=at), 0)
    return Report(hashlib.sha256(content).hexdigest(), lines, total_fen, short_fen)


@transaction.atomic
def propose(*, programme: Programme, name: str, content: bytes, actor: Actor, at: datetime) -> GrantBatch:
    """Propose a grant for every row of a sheet, all or none; another person approves them.

    :raises UnreadableFile, BadHeader: as ``preview`` does.
    :raises RowsRefused: if a row has an error, the sheet is empty, or the budget is short.
    :raises SheetTaken: if grants were proposed from this sheet before.
    :raises NotGranting: if the programme grants nothing today.
    """
    person = people.officer(actor, Duty.PROPOSE, of=programme.authority)
    report = preview(programme=programme, content=content, at=at)
    if not report.sound:
        raise _refused(report)
    with refusing(grant_batch_sheet_once=SheetTaken(_("Grants were proposed from this sheet before."))):
        batch = GrantBatch.objects.create(
            programme=programme,
            name=name[:120],
            sha256=report.sha256,
            rows=len(report.lines),
            total_fen=report.total_fen,
            proposed_by=person,
            proposed_at=at,
        )
    for line in report.lines:
        assert line.owner is not None, "a sound report knows every owner"
        terms = {"programme": programme, "owner": line.owner, "face_fen": line.face_fen, "pool": line.pool}
        granted = grants.propose(actor=actor, at=at, **terms)  # type: ignore[arg-type]
        GrantBatchRow.objects.create(batch=batch, line=line.line, grant=granted, note=line.note)
    after = {"sha256": report.sha256, "rows": len(report.lines), "total_fen": report.total_fen}
    audit.record(actor=actor, verb="grants.proposed-in-bulk", thing=batch, at=at, after=after)
    return batch


@transaction.atomic
def approve(*, batch: GrantBatch, actor: Actor, at: datetime) -> list[Grant]:
    """Approve every grant of a batch that still waits, all or none; without one there is nothing to write down.

    :raises MakerIsChecker: if the same person proposed it.
    :raises BudgetExhausted: if the budget has less left than all of them.
    """
    # All of them before any is approved: each takes the budget, and who approves one of them alone would wait for that.
    waiting = list(Grant.objects.locked().filter(batch_row__batch=batch, status="proposed"))
    if not waiting:
        return []
    approved = [grants.approve(grant=grant, actor=actor, at=at) for grant in waiting]
    audit.record(actor=actor, verb="grants.approved-in-bulk", thing=batch, at=at, after={"grants": len(approved)})
    return approved


def _places(sheet: Sheet) -> dict[str, int]:
    names = [cells.folded(name) for name in sheet.header]
    known = {cells.folded(one): column for column, several in COLUMNS.items() for one in several}
    unknown = [name for name in names if name not in known]
    columns = [known[name] for name in names if name in known]
    missing = [name for name in NEEDED if name not in columns]
    if unknown or missing or len(set(columns)) < len(columns):
        text = _("The columns are credit_code, face_yuan, district and note, each once.")
        raise BadHeader(text, unknown=unknown, missing=missing)
    return {column: place for place, column in enumerate(columns)}


def _line(
    programme: Programme, number: int, code: str, row: dict[str, str], owner: Organization | None, times: int
) -> Line:
    face_fen, errors = _face_fen(row["face_yuan"])
    least_fen = max(programme.min_grant_fen, 1)
    found = [*errors, *_owner_errors(owner, times)]
    if not errors and face_fen < least_fen:
        found.append(_("A grant of this programme is at least ¥%(amount)s.") % {"amount": format_yuan(least_fen)})
    pool = programme.parameters.money.pool_of(row.get("district", "").strip())
    return Line(number, code, owner, face_fen, pool, row.get("note", "")[:200], tuple(found))


def _within_pools(programme: Programme, lines: Iterable[Line]) -> tuple[Line, ...]:
    """Note where a row asks for more than the rows before it leave of its pool; it then takes nothing of it."""
    if not programme.parameters.money.pools:
        return tuple(lines)
    left, found = pools.parts_fen(programme), []
    for line in lines:
        if line.face_fen <= left[line.pool]:
            left[line.pool] -= line.face_fen
            found.append(line)
        else:
            found.append(replace(line, errors=(*line.errors, _short(line.pool, left[line.pool]))))
    return tuple(found)


def _short(pool: str, left_fen: int) -> str:
    left = {"pool": pool, "amount": format_yuan(left_fen)}
    if pool:
        return _("The pool %(pool)s has only ¥%(amount)s left for this row.") % left
    return _("What no pool keeps has only ¥%(amount)s left for this row.") % left


def _owner_errors(owner: Organization | None, times: int) -> Sequence[str]:
    if owner is None:
        return [_("No organisation has this credit code.")]
    errors = []
    if owner.kind != OrganizationKind.BUYER:
        errors.append(_("%(name)s is not a buyer.") % {"name": owner.name})
    if vars(owner)["barred"]:
        errors.append(_("%(name)s is barred from vouchers.") % {"name": owner.name})
    if times > 1:
        errors.append(_("The firm comes more than once."))
    return errors


def _face_fen(text: str) -> tuple[int, list[str]]:
    try:
        face_fen = parse_scaled(cells.plain_width(text).replace(",", ""), decimals=2)
    except ValueError:
        return 0, [_("The face value is no amount in yuan.")]
    return (face_fen, []) if 0 <= face_fen <= MOST_FEN else (0, [_("The amount is out of range.")])


def _refused(report: Report) -> RowsRefused:
    rows = [{"line": line.line, "errors": list(line.errors)} for line in report.lines if line.errors]
    if rows or not report.lines:
        return RowsRefused(_("%(count)d rows have errors; nothing was changed.") % {"count": len(rows)}, rows=rows)
    short = {"amount": format_yuan(report.short_fen)}
    return RowsRefused(_("The budget is ¥%(amount)s short of the sheet's total.") % short, rows=[])
