"""What a provider does with its offerings: draft, list, pause, archive, close hours."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.periods import Period, hour_of
from market.models import Accelerator, Offering, OfferingStatus, Site

LONGEST_CLOSURE = timedelta(days=366)
CLOSE_HOURS = """
INSERT INTO market_calendarhour (offering_id, hour, capacity, reserved)
SELECT %s, hour, %s, 0 FROM generate_series(%s::timestamptz, %s::timestamptz, interval '1 hour') AS hour ORDER BY hour
ON CONFLICT (offering_id, hour) DO UPDATE SET capacity = excluded.capacity
"""


class BadTerms(DomainError):
    """The count, the price or the opening times make no sense."""

    code = "bad-terms"


class NameTaken(Conflict):
    """The provider has an offering of this name."""

    code = "offering-name-taken"


class BadCapacity(DomainError):
    """The capacity is negative or more than the offering has."""

    code = "bad-capacity"


class BadClosure(DomainError):
    """The hours to close are past or too many."""

    code = "bad-closure"


class CardsReserved(Conflict):
    """More cards are reserved in one of the hours than would be left."""

    code = "cards-reserved"


@transaction.atomic
def draft(
    *,
    provider: Organization,
    site: Site,
    accelerator: Accelerator,
    name: str,
    category: str,
    count: int,
    price_micro: int,
    opens_at: datetime,
    closes_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Offering:
    """Draft an offering of ``count`` cards at a site of the provider.

    :raises NotFound: if the site is another provider's.
    :raises BadTerms: if the count or the price is not positive, or it closes before it opens.
    :raises NameTaken: if the provider has one of this name.
    """
    if provider.kind != OrganizationKind.PROVIDER:
        raise Forbidden(_("Only providers sell."))
    if site.provider_id != provider.pk:
        raise NotFound(_("There is no such site."))
    _check_terms(count=count, price_micro=price_micro, opens_at=opens_at, closes_at=closes_at)
    terms = {"category": category, "count": count, "price_micro": price_micro}
    place = {"provider": provider, "site": site, "accelerator": accelerator}
    with refusing(offering_name_once=NameTaken(_("You have an offering of this name."))):
        offering = Offering.objects.create(
            status=OfferingStatus.DRAFT, name=name, opens_at=opens_at, closes_at=closes_at, **place, **terms
        )
    audit.record(actor=actor, verb="offering.drafted", thing=offering, at=at, after=terms)
    return offering


def list_for_sale(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Put an offering on sale.

    :raises IllegalMove: if it is listed already, or archived.
    """
    return _move(offering, OfferingStatus.LISTED, verb="offering.listed", actor=actor, at=at)


def pause(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Take an offering off sale for a while; what is reserved stays reserved.

    :raises IllegalMove: if it is not listed.
    """
    return _move(offering, OfferingStatus.PAUSED, verb="offering.paused", actor=actor, at=at)


def archive(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Take an offering off sale for good; what is reserved stays reserved.

    :raises IllegalMove: if it is archived already.
    """
    return _move(offering, OfferingStatus.ARCHIVED, verb="offering.archived", actor=actor, at=at)


@transaction.atomic
def set_handover(*, offering: Offering, handover: str, actor: Actor, at: datetime) -> Offering:
    """Say how the cards of reservations to come are handed over: by the clock, or reported within the limit."""
    offering = Offering.objects.locked().get(pk=offering.pk)
    before = {"handover": offering.handover}
    offering.handover = handover
    offering.save(update_fields=["handover"])
    after = {"handover": handover}
    audit.record(actor=actor, verb="offering.handover", thing=offering, at=at, before=before, after=after)
    return offering


@transaction.atomic
def close_hours(*, offering: Offering, period: Period, capacity: int, actor: Actor, at: datetime) -> Offering:
    """Set the capacity of every hour that a period touches, down to 0 for maintenance or up again.

    :raises BadCapacity: if it is negative or more than the offering's cards.
    :raises BadClosure: if the period is over or longer than a year.
    :raises CardsReserved: if more cards are reserved in one of the hours.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    if not 0 <= capacity <= offering.count:
        raise BadCapacity(_("The capacity is from 0 to %(count)d cards.") % {"count": offering.count})
    if period.ends_at <= at or period.ends_at - period.starts_at > LONGEST_CLOSURE:
        raise BadClosure(_("Close hours that are to come, at most a year of them."))
    with refusing(calendar_hour_not_overbooked=CardsReserved(_("More cards than that are reserved already."))):
        _set_capacity(offering, period, capacity)
    after = {"from": period.starts_at.isoformat(), "until": period.ends_at.isoformat(), "capacity": capacity}
    audit.record(actor=actor, verb="offering.hours-closed", thing=offering, at=at, after=after)
    return offering


def _set_capacity(offering: Offering, period: Period, capacity: int) -> None:
    last = hour_of(period.ends_at - timedelta(microseconds=1))
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_HOURS, [offering.pk, capacity, hour_of(period.starts_at), last])


def _check_terms(*, count: int, price_micro: int, opens_at: datetime, closes_at: datetime | None) -> None:
    wrong = {name: _("At least 1.") for name, value in (("count", count), ("price_micro", price_micro)) if value < 1}
    if closes_at is not None and closes_at <= opens_at:
        wrong["closes_at"] = _("Not after the opening.")
    if wrong:
        raise BadTerms(_("The terms of the offering make no sense."), fields=wrong)


@transaction.atomic
def _move(offering: Offering, target: OfferingStatus, *, verb: str, actor: Actor, at: datetime) -> Offering:
    offering = Offering.objects.locked().get(pk=offering.pk)
    before = {"status": offering.status}
    offering.move_to(target)
    audit.record(actor=actor, verb=verb, thing=offering, at=at, before=before, after={"status": target.value})
    return offering
