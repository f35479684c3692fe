"""What a provider does with its offerings: draft, pause, resume, archive, close hours."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, IllegalMove, NotFound
from core.ids import new_reference
from core.periods import HOUR, SHANGHAI, Period, hour_of
from market.models import Accelerator, CalendarEdit, CalendarHour, Offering, OfferingStatus, Site
from market.models.offering import MOST_NOTICE_HOURS, MOST_PROVISIONING_MINUTES

LONGEST_CLOSURE = timedelta(days=366)
MOST_HOURS_NAMED = 200
MOST_SPANS = 5
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


class ReferenceTaken(Conflict):
    """The provider has an offering under this reference."""

    code = "offering-reference-taken"


class BadCapacity(DomainError):
    """The capacity is negative or more than the offering has."""

    code = "bad-capacity"


class BadClosure(DomainError):
    """The hours to close are past or too many."""

    code = "bad-closure"


class CardsReserved(Conflict):
    """More cards are reserved in one of the hours than would be left."""

    code = "cards-reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What one order may take of an offering, and how long before its start."""

    min_count: int = 1
    step_count: int = 1
    max_count: int | None = None
    max_hours: int | None = None
    notice_hours: int = 0
    provisioning_minutes: int = 0


ANY_LOT = Lot()


@transaction.atomic
def draft(  # noqa: PLR0913 - all that an offering is
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
    lot: Lot = ANY_LOT,
    reference: str = "",
    actor: Actor,
    at: datetime,
) -> Offering:
    """Draft an offering of ``count`` cards at a site of the provider.

    :raises NotFound: if the site is another provider's.
    :raises BadTerms: if the count or the price is not positive, it closes before it opens, or its lot makes no sense.
    :raises NameTaken: if the provider has one of this name.
    :raises ReferenceTaken: if the provider has one under this reference.
    """
    _check_place(provider, site)
    check_terms(count=count, price_micro=price_micro, opens_at=opens_at, closes_at=closes_at, lot=lot)
    terms = {"category": category, "count": count, "price_micro": price_micro}
    opening = {"opens_at": opens_at, "closes_at": closes_at, **asdict(lot)}
    what = {"provider": provider, "site": site, "accelerator": accelerator, "name": name}
    with refusing(**taken()):
        offering = Offering.objects.create(
            status=OfferingStatus.DRAFT, reference=reference or new_reference(), **what, **terms, **opening
        )
    audit.record(actor=actor, verb="offering.drafted", thing=offering, at=at, after=terms)
    return offering


def _check_place(provider: Organization, site: Site) -> None:
    if provider.kind != OrganizationKind.PROVIDER:
        raise Forbidden(_("Only providers sell."))
    if site.provider_id != provider.pk:
        raise NotFound(_("There is no such site."))


def taken() -> dict[str, DomainError]:
    """Return what the constraints on names and references stand for."""
    name, reference = _("You have an offering of this name."), _("You have an offering under this reference.")
    return {
        "offering_name_once": NameTaken(name, fields={"name": name}),
        "offering_reference_once": ReferenceTaken(reference, fields={"reference": reference}),
    }


@transaction.atomic
def resume(*, offering: Offering, actor: Actor, at: datetime) -> Offering:
    """Put a paused offering on sale again as it was reviewed.

    :raises IllegalMove: if it is not paused.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    if offering.status != OfferingStatus.PAUSED:
        raise IllegalMove(_("Only a paused offering is put on sale again."))
    return _move(offering, OfferingStatus.LISTED, verb="offering.resumed", actor=actor, at=at)


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
def close_hours(
    *, offering: Offering, period: Period, capacity: int, reason: str, actor: Actor, at: datetime
) -> Offering:
    """Set the capacity of every hour that a period touches, down to 0 for maintenance or up again, and say why.

    :raises BadCapacity: if it is negative or more than the offering's cards.
    :raises BadClosure: if the period is over or longer than a year.
    :raises CardsReserved: if more cards are reserved in one of the hours.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    if not 0 <= capacity <= offering.count:
        raise BadCapacity(_("The capacity is from 0 to %(count)d cards.") % {"count": offering.count})
    if period.ends_at <= at or period.ends_at - period.starts_at > LONGEST_CLOSURE:
        raise BadClosure(_("Close hours that are to come, at most a year of them."))
    if not reason.strip():
        raise BadClosure(_("Say why."), fields={"reason": _("Say why.")})
    first, last = hour_of(period.starts_at), hour_of(period.ends_at - timedelta(microseconds=1)) + HOUR
    check_reserved(CalendarHour.objects.filter(offering=offering, hour__gte=first, hour__lt=last), capacity)
    with refusing(calendar_hour_not_overbooked=CardsReserved(_("More cards than that are reserved already."))):
        _set_capacity(offering, period, capacity)
    CalendarEdit.objects.create(
        offering=offering, starts_at=first, ends_at=last, capacity=capacity, reason=reason.strip(), made_at=at
    )
    after = {"from": period.starts_at.isoformat(), "until": period.ends_at.isoformat(), "capacity": capacity}
    audit.record(actor=actor, verb="offering.hours-closed", thing=offering, at=at, after=after)
    return offering


def _set_capacity(offering: Offering, period: Period, capacity: int) -> None:
    last = hour_of(period.ends_at - timedelta(microseconds=1))
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_HOURS, [offering.pk, capacity, hour_of(period.starts_at), last])


def check_reserved(hours: QuerySet[CalendarHour], capacity: int) -> None:
    """Refuse a capacity below what is reserved, naming the hours.

    :raises CardsReserved: if more cards are reserved in one of the hours.
    """
    over = list(hours.filter(reserved__gt=capacity).order_by("hour").values_list("hour", "reserved"))
    if over:
        named = [{"hour": hour.isoformat(), "reserved": reserved} for hour, reserved in over[:MOST_HOURS_NAMED]]
        text = _("More cards than that are reserved already: %(spans)s.") % {"spans": "; ".join(_spans(over))}
        raise CardsReserved(text, hours=named)


def _spans(rows: Sequence[tuple[datetime, int]]) -> list[str]:
    """Write hours of equal reservations in a row as one span of Shanghai time, the first few of them."""
    spans: list[tuple[datetime, datetime, int]] = []
    for hour, reserved in rows:
        if spans and spans[-1][1] == hour and spans[-1][2] == reserved:
            spans[-1] = spans[-1][0], hour + HOUR, reserved
        else:
            spans.append((hour, hour + HOUR, reserved))
    lines = [_span(*span) for span in spans[:MOST_SPANS]]
    return lines + (["…"] if len(spans) > MOST_SPANS else [])


def _span(starts_at: datetime, ends_at: datetime, reserved: int) -> str:
    first, last = starts_at.astimezone(SHANGHAI), ends_at.astimezone(SHANGHAI)
    words = {"first": f"{first:%Y-%m-%d %H:%M}", "last": f"{last:%Y-%m-%d %H:%M}", "cards": reserved}
    return _("%(cards)d cards from %(first)s to %(last)s") % words


def check_terms(*, count: int, price_micro: int, opens_at: datetime, closes_at: datetime | None, lot: Lot) -> None:
    """Refuse terms that make no sense, naming each of them.

    :raises BadTerms: if there is one.
    """
    positive = (("count", count), ("price_micro", price_micro), ("step_count", lot.step_count))
    wrong = {name: _("At least 1.") for name, value in positive if value < 1}
    if closes_at is not None and closes_at <= opens_at:
        wrong["closes_at"] = _("Not after the opening.")
    wrong |= _wrong_lot(count, lot)
    if wrong:
        raise BadTerms(_("The terms of the offering make no sense."), fields=wrong)


def _wrong_lot(count: int, lot: Lot) -> dict[str, Any]:
    """Return what is wrong with the limits of an order, by their names."""
    wrong = {}
    if not 1 <= lot.min_count <= max(count, 1):
        wrong["min_count"] = _("From 1 to the cards of the offering.")
    if lot.max_count is not None and not lot.min_count <= lot.max_count <= count:
        wrong["max_count"] = _("From the fewest cards of an order to the cards of the offering.")
    if lot.max_hours is not None and lot.max_hours < 1:
        wrong["max_hours"] = _("At least 1.")
    for name, most in (("notice_hours", MOST_NOTICE_HOURS), ("provisioning_minutes", MOST_PROVISIONING_MINUTES)):
        if not 0 <= getattr(lot, name) <= most:
            wrong[name] = _("From 0 to %(most)d.") % {"most": most}
    return wrong


@transaction.atomic
def _move(offering: Offering, target: OfferingStatus, *, verb: str, actor: Actor, at: datetime) -> Offering:
    offering = Offering.objects.locked().get(pk=offering.pk)
    before = {"status": offering.status}
    offering.move_to(target)
    audit.record(actor=actor, verb=verb, thing=offering, at=at, before=before, after={"status": target.value})
    return offering
