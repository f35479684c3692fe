"""Say what a provider sells beside the card-hour: storage, network, support."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from market.line_pricing import MOST_QUANTITY, total_fen
from market.models import ExtraLine, LineUnit, Offering

MOST_LINES = 20


class LineExists(Conflict):
    """The offering has a line of this name."""

    code = "line-exists"


class TooManyLines(DomainError):
    """Nobody reads that many lines."""

    code = "too-many-lines"


class BadChoice(DomainError):
    """A line that is taken is none of the offering's, not sold here, named twice, or of no quantity."""

    code = "bad-lines"


class BadUnit(DomainError):
    """A line is sold by the GiB-month, the month or the GB."""

    code = "bad-unit"


@transaction.atomic
def add_line(
    *, offering: Offering, kind: str, name: str, unit: str, price_micro: int, actor: Actor, at: datetime
) -> ExtraLine:
    """Sell something beside the card-hour of an offering.

    :raises BadUnit: if it is not sold in one of the units.
    :raises TooManyLines: if there are twenty.
    :raises LineExists: if there is one of this name.
    """
    if unit not in LineUnit.values:
        raise BadUnit(_("Choose a unit."), fields={"unit": _("GiB for a month, a month, or GB.")})
    offering = Offering.objects.locked().get(pk=offering.pk)
    if offering.extra_lines.count() >= MOST_LINES:
        raise TooManyLines(_("At most %(most)d lines.") % {"most": MOST_LINES})
    taken = _("There is a line of this name.")
    with refusing(extra_line_once=LineExists(taken, fields={"name": taken})):
        line = ExtraLine.objects.create(offering=offering, kind=kind, name=name, unit=unit, price_micro=price_micro)
    after = {"kind": kind, "name": name, "unit": unit, "price_micro": price_micro}
    audit.record(actor=actor, verb="offering.line-added", thing=offering, at=at, after=after)
    return line


@transaction.atomic
def remove_line(*, offering: Offering, line_id: int, actor: Actor, at: datetime) -> None:
    """Sell a line no more; whoever has taken it keeps it at its price.

    :raises NotFound: if the offering has no such line.
    """
    line = ExtraLine.objects.filter(offering=offering, pk=line_id).first()
    if line is None:
        raise NotFound(_("There is no such line."))
    before = {"kind": line.kind, "name": line.name, "unit": line.unit, "price_micro": line.price_micro}
    line.delete()
    audit.record(actor=actor, verb="offering.line-removed", thing=offering, at=at, before=before)


def chosen(*, offering_id: UUID, wanted: Mapping[int, int]) -> list[tuple[ExtraLine, int]]:
    """Return the lines of an offering that somebody wants, by their ids, with the quantity of each.

    :raises BadChoice: if there is none of an id, it is shown only, or the quantity makes no sense.
    """
    lines = ExtraLine.objects.filter(offering=offering_id, pk__in=list(wanted)).order_by("pk")
    found = {line.pk: line for line in lines if line.is_sold}
    if not wanted or found.keys() != wanted.keys():
        raise BadChoice(_("Choose lines that this offering sells."), fields={"lines": _("Not found.")})
    if not all(1 <= quantity <= MOST_QUANTITY for quantity in wanted.values()):
        text = _("From %(least)d to %(most)d.") % {"least": 1, "most": MOST_QUANTITY}
        raise BadChoice(_("Choose a quantity of every line."), fields={"lines": text})
    return [(line, wanted[pk]) for pk, line in found.items()]


def by_line(lines: Iterable[Mapping[str, int]]) -> dict[int, int]:
    """Return quantities by the ids of lines.

    :raises BadChoice: if one is named twice.
    """
    rows = list(lines)
    found = {one["line"]: one["quantity"] for one in rows}
    if len(found) < len(rows):
        raise BadChoice(_("Name every line once."), fields={"lines": _("Name every line once.")})
    return found


def cost_fen(line: ExtraLine, quantity: int, *, hours: int) -> int:
    """Return what a quantity of a line costs over so many hours, in fen."""
    return total_fen(unit=line.unit, quantity=quantity, price_micro=line.price_micro, hours=hours)
