"""Bring offerings in from a file, all rows or none, and send them out so that bringing them back changes nothing."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core import sheets
from core.errors import DomainError, Forbidden
from core.sheets import Sheet, cells
from market.models import Accelerator, Offering, OfferingStatus, Site
from market.services import offering_columns, offerings, revisions
from market.services.offering_columns import BY_TERM, COLUMNS, Column, Place
from market.services.offerings import Lot


class BadHeader(DomainError):
    """A column is unknown, missing or comes twice."""

    code = "bad-header"


class RowsRefused(DomainError):
    """Rows have errors, so that nothing was brought in."""

    code = "rows-refused"


class Action(StrEnum):
    """What becomes of a row."""

    CREATE = "create"
    CHANGE = "change"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that changes something."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong in a row; the column is empty where it is the row as a whole."""

    column: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of a row of the file; ``reviewed`` says that the offering goes back to the operator."""

    line: int
    reference: str
    action: Action
    changes: tuple[Change, ...] = ()
    errors: tuple[CellError, ...] = ()
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What bringing a file in does, or did."""

    encoding: str
    lines: tuple[Line, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Tell whether no row is refused."""
        return not self.counts.get(Action.REFUSED)

    @property
    def sha256(self) -> str:
        """Return a digest of what would happen, so that what was seen is what is done."""
        return hashlib.sha256(repr([asdict(line) for line in self.lines]).encode()).hexdigest()


def preview(*, provider: Organization, content: bytes, actor: Actor, at: datetime) -> Report:
    """Return what bringing a file in would do, by doing it and taking it back.

    :raises UnreadableFile: if it is no table.
    :raises BadHeader: if a column is unknown, missing or comes twice.
    """
    with transaction.atomic():
        report = _bring_in(provider, content, actor=actor, at=at)
        transaction.set_rollback(True)
    return report


@transaction.atomic
def bring_in(*, provider: Organization, content: bytes, actor: Actor, at: datetime, seen: str = "") -> Report:
    """Bring a file in: new references are drafted, known ones revised, equal ones left alone; all rows or none.

    :raises UnreadableFile: if it is no table.
    :raises BadHeader: if a column is unknown, missing or comes twice.
    :raises RowsRefused: if a row has an error, or if ``seen`` is not the digest of what would happen.
    """
    report = _bring_in(provider, content, actor=actor, at=at)
    if not report.sound:
        rows = [asdict(line) for line in report.lines if line.errors]
        raise RowsRefused(_("%(count)d rows have errors; nothing was changed.") % {"count": len(rows)}, rows=rows)
    if seen and seen != report.sha256:
        raise RowsRefused(_("Something has changed since the preview: look again."), rows=[])
    after = {"sha256": hashlib.sha256(content).hexdigest(), **report.counts}
    audit.record(actor=actor, verb="offerings.imported", thing=provider, at=at, after=after)
    return report


def export(*, provider: Organization, kind: str) -> bytes:
    """Return the provider's offerings that are not archived as a file."""
    rows = Offering.objects.of_provider(provider).exclude(status=OfferingStatus.ARCHIVED).with_place()
    written = [offering_columns.row_of(offering) for offering in rows.order_by("reference")]
    return sheets.write(kind, [column.name for column in COLUMNS], written)


def _bring_in(provider: Organization, content: bytes, *, actor: Actor, at: datetime) -> Report:
    if provider.kind != OrganizationKind.PROVIDER:
        raise Forbidden(_("Only providers sell."))
    sheet = _read(content)
    columns = _columns(sheet)
    known = {one.reference: one for one in Offering.objects.of_provider(provider).with_place()}
    importer = _Importer(provider, _place(provider), known, columns, actor, at, set())
    lines = tuple(importer.line(number, row) for number, row in sheet.rows)
    actions = [line.action for line in lines]
    return Report(sheet.encoding, lines, {action.value: actions.count(action) for action in Action})


def _read(content: bytes) -> Sheet:
    return sheets.load(content, known=offering_columns.names())


def _columns(sheet: Sheet) -> tuple[Column, ...]:
    """Return the columns that the header names."""
    names = offering_columns.names()
    unknown = [name for name in sheet.header if cells.folded(name) not in names]
    if unknown:
        raise BadHeader(_("No such column: %(names)s.") % {"names": ", ".join(unknown[:5])})
    columns = tuple(names[cells.folded(name)] for name in sheet.header)
    if len(set(columns)) < len(columns):
        raise BadHeader(_("A column comes twice."))
    if BY_TERM["reference"] not in columns:
        raise BadHeader(_("The column reference is missing: it says which offering a row is."))
    return columns


def _place(provider: Organization) -> Place:
    sites = {site.name: site for site in Site.objects.filter(provider=provider)}
    return Place(sites, {one.code.casefold(): one for one in Accelerator.objects.all()})


@dataclass(frozen=True, slots=True)
class _Importer:
    """Bring the rows of one file in, one after another."""

    provider: Organization
    place: Place
    known: Mapping[str, Offering]
    columns: tuple[Column, ...]
    actor: Actor
    at: datetime
    done: set[str]

    def line(self, number: int, row: tuple[str, ...]) -> Line:
        """Bring a row in and say what became of it."""
        terms, errors = self._terms(row)
        reference = str(terms.pop("reference", ""))
        if reference in self.done:
            errors.append(CellError("reference", _("This reference comes twice in the file.")))
        self.done.add(reference)
        if errors:
            return Line(number, reference, Action.REFUSED, errors=tuple(errors))
        offering = self.known.get(reference)
        try:
            with transaction.atomic():
                if offering is None:
                    return self._create(number, reference, terms)
                return self._change(number, offering, terms)
        except DomainError as error:
            return Line(number, reference, Action.REFUSED, errors=tuple(_errors(error)))

    def _terms(self, row: tuple[str, ...]) -> tuple[dict[str, Any], list[CellError]]:
        terms: dict[str, Any] = {}
        errors = []
        if any(row[len(self.columns) :]):
            errors.append(CellError("", _("There are more cells than columns.")))
        for column, cell in zip(self.columns, (*row, *[""] * len(self.columns)), strict=False):
            try:
                terms[column.term] = self._value(column, cell)
            except DomainError as error:
                errors.append(CellError(column.name, str(error)))
        return terms, errors

    def _value(self, column: Column, cell: str) -> Any:
        if cell:
            return column.read(cell, self.place)
        if column.needed:
            raise offering_columns.BadCell(_("This cell is empty."))
        return column.empty

    def _create(self, number: int, reference: str, terms: dict[str, Any]) -> Line:
        missing = [column.name for column in COLUMNS if column.needed and column.term not in {*terms, "reference"}]
        if missing:
            lacking = _("A new offering needs this column.")
            return Line(number, reference, Action.REFUSED, errors=tuple(CellError(name, lacking) for name in missing))
        lot = {name: terms.pop(name) for name in revisions.LOT if name in terms}
        offerings.draft(
            provider=self.provider, reference=reference, lot=Lot(**lot), actor=self.actor, at=self.at, **terms
        )
        return Line(number, reference, Action.CREATE)

    def _change(self, number: int, offering: Offering, terms: dict[str, Any]) -> Line:
        changes = revisions.differing(offering, terms)
        if not changes:
            return Line(number, offering.reference, Action.SAME)
        told = tuple(_change(BY_TERM[term], getattr(offering, term), value) for term, value in changes.items())
        before = offering.status
        revised = revisions.revise(offering=offering, changes=changes, actor=self.actor, at=self.at)
        reviewed = revised.status != before
        return Line(number, offering.reference, Action.CHANGE, told, reviewed=reviewed)


def _change(column: Column, old: Any, new: Any) -> Change:
    return Change(column.name, *(str("" if value is None else column.write(value)) for value in (old, new)))


def _errors(error: DomainError) -> Iterable[CellError]:
    """Return a service's refusal by the columns of the file."""
    beside = [(BY_TERM[name].name, str(text)) for name, text in error.fields.items() if name in BY_TERM]
    return [CellError(*each) for each in beside] or [CellError("", str(error))]
