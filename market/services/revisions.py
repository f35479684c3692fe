"""Change what an offering is or how it is sold: what buyers rely on goes back to review or cannot change any more."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, NotFound
from core.periods import HOUR, hour_of
from market import price_reviews
from market.models import CalendarHour, Offering, OfferingStatus, PricePlan
from market.pricing import Plan
from market.services import offerings, vetting
from market.services.offerings import Lot

LOT = tuple(field.name for field in fields(Lot))
IDENTITY = ("site", "accelerator", "category")
TERMS = ("name", "count", "price_micro", "opens_at", "closes_at")
REVISABLE = (*IDENTITY, *TERMS, *LOT)


class OfferingArchived(Conflict):
    """What is archived stays as it was."""

    code = "offering-archived"


class AlreadySold(Conflict):
    """Orders were served from the offering: it stays the cards, the site and the category that they got."""

    code = "offering-already-sold"


class PriceIsPlanned(Conflict):
    """The offering is priced by plans: publish another one."""

    code = "price-is-planned"


class HoursReserved(Conflict):
    """Cards are reserved in hours that would be closed."""

    code = "hours-reserved"


@transaction.atomic
def revise(*, offering: Offering, changes: Mapping[str, Any], actor: Actor, at: datetime) -> Offering:
    """Change some of ``REVISABLE``; an offering on sale goes back to review if the change is material.

    :raises OfferingArchived: if it is archived.
    :raises AlreadySold: if the model, site or category of an offering with matches would change.
    :raises PriceIsPlanned: if it has price plans and the flat price would change.
    :raises BadTerms: if the terms make no sense.
    :raises NotFound: if the site is another provider's.
    :raises CardsReserved: if more cards are reserved than would be left.
    :raises HoursReserved: if cards are reserved in hours that would be closed.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    changes = differing(offering, changes)
    if not changes:
        return offering
    _check(offering, changes, at=at)
    material = is_material(offering, changes)
    before = {name: _plain(getattr(offering, name)) for name in changes}
    _write(offering, changes, at=at)
    after = {name: _plain(value) for name, value in changes.items()}
    audit.record(actor=actor, verb="offering.revised", thing=offering, at=at, before=before, after=after)
    return vetting.look_again(offering, far=material, actor=actor, at=at)


def differing(offering: Offering, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that change something."""
    return {name: value for name, value in changes.items() if getattr(offering, name) != value}


def is_material(offering: Offering, changes: Mapping[str, Any]) -> bool:
    """Tell whether an operator has to look again: another model, site, category, or a price far from the seen one."""
    if any(name in changes for name in IDENTITY):
        return True
    asked_micro = changes.get("price_micro")
    return asked_micro is not None and price_reviews.is_far(vetting.reviewed(offering), Plan(base_micro=asked_micro))


def _check(offering: Offering, changes: dict[str, Any], *, at: datetime) -> None:
    if offering.status == OfferingStatus.ARCHIVED:
        raise OfferingArchived(_("The offering is archived."))
    site = changes.get("site")
    if site is not None and site.provider_id != offering.provider_id:
        raise NotFound(_("There is no such site."))
    sold = [name for name in IDENTITY if name in changes]
    if sold and offering.matches.exists():
        text = _("Orders were served from this offering: archive it and make another.")
        raise AlreadySold(text, fields=dict.fromkeys(sold, text))
    if "price_micro" in changes and PricePlan.objects.filter(offering=offering).exists():
        text = _("The offering is priced by plans: publish another one.")
        raise PriceIsPlanned(text, fields={"price_micro": text})
    _check_terms(offering, changes)
    _check_hours(offering, changes, at=at)


def _check_terms(offering: Offering, changes: Mapping[str, Any]) -> None:
    new = {name: changes.get(name, getattr(offering, name)) for name in REVISABLE}
    offerings.check_terms(
        count=new["count"],
        price_micro=new["price_micro"],
        opens_at=new["opens_at"],
        closes_at=new["closes_at"],
        lot=Lot(**{name: new[name] for name in LOT}),
    )


def _check_hours(offering: Offering, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Keep what is reserved from now on inside the opening times and below the cards."""
    to_come = CalendarHour.objects.filter(offering=offering, hour__gte=hour_of(at))
    if "count" in changes:
        offerings.check_reserved(to_come, changes["count"])
    opens_at, closes_at = changes.get("opens_at", offering.opens_at), changes.get("closes_at", offering.closes_at)
    outside = Q(hour__lt=opens_at) | (Q() if closes_at is None else Q(hour__gt=closes_at - HOUR))
    if {"opens_at", "closes_at"} & changes.keys():
        reserved = to_come.filter(outside, reserved__gt=0).order_by("hour").values_list("hour", flat=True)
        if reserved:
            hours = [hour.isoformat() for hour in reserved[: offerings.MOST_HOURS_NAMED]]
            text = _("Cards are reserved outside the new opening times, first at %(hour)s.") % {"hour": hours[0]}
            raise HoursReserved(text, hours=hours)


def _write(offering: Offering, changes: Mapping[str, Any], *, at: datetime) -> None:
    old = offering.count
    for name, value in changes.items():
        setattr(offering, name, value)
    with refusing(**offerings.taken()):
        offering.save(update_fields=list(changes))
    if "count" in changes:
        _follow_count(offering, old=old, at=at)


def _follow_count(offering: Offering, *, old: int, at: datetime) -> None:
    """Let the hours that have a row follow the cards: full ones stay full, none has more than there are."""
    to_come = CalendarHour.objects.filter(offering=offering, hour__gte=hour_of(at))
    # In the order of every writer: an update takes rows as they come.
    list(to_come.order_by("hour").select_for_update(no_key=True).values_list("pk"))
    if offering.count > old:
        to_come.filter(capacity=old).update(capacity=offering.count)
    else:
        to_come.update(capacity=Least(F("capacity"), offering.count))


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, int) else str(getattr(value, "pk", value))
