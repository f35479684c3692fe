"""Say what a provider charges beside the card-hour, itself: storage, network, support."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from market.models import ExtraLine, Offering

MOST_LINES = 20


class LineExists(Conflict):
    """The offering has a line of this name."""

    code = "line-exists"


class TooManyLines(DomainError):
    """Nobody reads that many lines."""

    code = "too-many-lines"


@transaction.atomic
def add_line(
    *, offering: Offering, kind: str, name: str, unit: str, price_micro: int, actor: Actor, at: datetime
) -> ExtraLine:
    """Show a line beside the price of an offering.

    :raises TooManyLines: if there are twenty.
    :raises LineExists: if there is one of this name.
    """
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
    """Show a line no more.

    :raises NotFound: if the offering has no such line.
    """
    line = ExtraLine.objects.filter(offering=offering, pk=line_id).first()
    if line is None:
        raise NotFound(_("There is no such line."))
    before = {"kind": line.kind, "name": line.name, "unit": line.unit, "price_micro": line.price_micro}
    line.delete()
    audit.record(actor=actor, verb="offering.line-removed", thing=offering, at=at, before=before)
