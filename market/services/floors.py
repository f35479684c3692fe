"""What a provider sells below firm orders: cards that nobody else wants, at a floor, with notice of a reclaim."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import DomainError
from market.models import Offering, OfferingStatus
from market.models.offering import MOST_RECLAIM_MINUTES
from market.pricing import MOST_MICRO


class BadFloor(DomainError):
    """A floor is a price with a notice of at most a day, on an offering that is not archived."""

    code = "bad-floor"


@transaction.atomic
def offer(*, offering: Offering, floor_micro: int, reclaim_minutes: int, actor: Actor, at: datetime) -> Offering:
    """Sell what no firm order wants at a floor from now on; who runs keeps the price and the notice of its match.

    Whoever bids less than a floor that has risen is given notice by the next sweep.

    :raises BadFloor: if that makes no sense.
    """
    wrong: dict[str, str] = {}
    if not 1 <= floor_micro <= MOST_MICRO:
        wrong["floor_micro"] = _("This is not a price.")
    if not 0 <= reclaim_minutes <= MOST_RECLAIM_MINUTES:
        wrong["reclaim_minutes"] = _("From 0 to %(most)d minutes.") % {"most": MOST_RECLAIM_MINUTES}
    if wrong:
        raise BadFloor(_("A floor is a price, with a notice of at most a day."), fields=wrong)
    return _set(offering, {"floor_micro": floor_micro, "reclaim_minutes": reclaim_minutes}, actor=actor, at=at)


@transaction.atomic
def withdraw(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Sell to interruptible orders no more; those that run are given notice by the next sweep.

    :raises BadFloor: if the offering is archived.
    """
    return _set(offering, {"floor_micro": None, "reclaim_minutes": None}, actor=actor, at=at)


def _set(offering: Offering, terms: dict[str, Any], *, actor: Actor, at: datetime) -> Offering:
    offering = Offering.objects.locked().get(pk=offering.pk)
    if offering.status == OfferingStatus.ARCHIVED:
        raise BadFloor(_("The offering is archived."))
    before = {name: getattr(offering, name) for name in terms}
    if before != terms:
        Offering.objects.filter(pk=offering.pk).update(**terms)
        audit.record(actor=actor, verb="offering.floor-set", thing=offering, at=at, before=before, after=terms)
        offering.refresh_from_db(fields=list(terms))
    return offering
