"""Publish price plans and tariffs, and keep what was agreed for every hour of a reservation."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.fields import MicroField
from core.periods import HOUR, hour_of
from market import price_reviews, pricing
from market.models import AgreedPrice, Offering, OfferingStatus, PricePlan, Reservation, Tariff
from market.pricing import HOURS_OF_DAY, MOST_MICRO, Plan
from market.services import vetting

PROBLEMS: dict[str, Promise] = {
    "not-a-price": gettext_lazy("This is not a price."),
    "not-an-hour": gettext_lazy("The hours of a day are 0 to 24."),
    "bands-overlap": gettext_lazy("Two bands have an hour in common."),
    "collar-reversed": gettext_lazy("The lowest price is above the highest."),
    "out-of-range": gettext_lazy("A figure is out of range."),
    "not-a-discount": gettext_lazy("A discount is above 0 and at most 90 per cent, from 1 on."),
    "steps-do-not-rise": gettext_lazy("Every step begins later and takes more off than the one before."),
    "unknown-tariff": gettext_lazy("There is no such tariff."),
}


class BadPlan(DomainError):
    """The terms of a price plan make no sense, or it does not begin at a full hour to come."""

    code = "bad-price-plan"


class PlanTaken(Conflict):
    """The offering has a plan from this hour on: what is published stays."""

    code = "price-plan-taken"


class BadTariff(DomainError):
    """A tariff has a price for each of the 24 hours of a day."""

    code = "bad-tariff"


class TariffTaken(Conflict):
    """The tariff has prices from this instant on."""

    code = "tariff-taken"


@transaction.atomic
def publish(*, offering: Offering, plan: Plan, starts_at: datetime, actor: Actor, at: datetime) -> PricePlan:
    """Publish how an offering is priced from a full hour on; reservations keep the prices that they were agreed at.

    An offering that was listed goes back to review if the plan is far from the price or plan that was reviewed.

    :raises BadPlan: if the terms make no sense, the hour is not full or has come, or the offering is archived.
    :raises PlanTaken: if it has a plan from this hour on.
    """
    offering = Offering.objects.locked().get(pk=offering.pk)
    if offering.status == OfferingStatus.ARCHIVED:
        raise BadPlan(_("The offering is archived."))
    _check(plan)
    if starts_at <= at or starts_at != hour_of(starts_at):
        raise BadPlan(
            _("A price plan begins at a full hour to come."),
            fields={"starts_at": _("Not a full hour to come.")},
        )
    terms = msgspec.to_builtins(plan)
    with refusing(price_plan_once_per_start=PlanTaken(_("The offering has a plan from this hour on."))):
        published = PricePlan.objects.create(offering=offering, starts_at=starts_at, terms=terms, published_at=at)
    after = {"starts_at": starts_at.isoformat(), "terms": terms}
    audit.record(actor=actor, verb="price-plan.published", thing=published, at=at, after=after)
    far = price_reviews.is_far(vetting.reviewed(offering), plan)
    published.offering = vetting.look_again(offering, far=far, actor=actor, at=at)
    return published


@transaction.atomic
def publish_tariff(
    *, code: str, starts_at: datetime, hourly_micro: Sequence[int], source: str, actor: Actor, at: datetime
) -> Tariff:
    """Publish what a kWh costs by the hour of the day from an instant on.

    :raises BadTariff: if it is not 24 prices.
    :raises TariffTaken: if the tariff has prices from this instant on.
    """
    if len(hourly_micro) != HOURS_OF_DAY or not all(0 <= micro <= MOST_MICRO for micro in hourly_micro):
        raise BadTariff(_("A tariff has a price for each of the 24 hours of a day."))
    with refusing(tariff_once_per_start=TariffTaken(_("The tariff has prices from this instant on."))):
        tariff = Tariff.objects.create(code=code, starts_at=starts_at, hourly_micro=list(hourly_micro), source=source)
    audit.record(actor=actor, verb="tariff.published", thing=tariff, at=at, after={"code": code})
    return tariff


def take_effect(*, at: datetime) -> int:
    """Show the base of the plan that counts now as the offering's price; return how many changed."""
    counting = PricePlan.objects.filter(offering=OuterRef("pk")).in_effect(at)
    base = Subquery(counting.annotate(base=Cast("terms__base_micro", MicroField())).values("base")[:1])
    changed = Offering.objects.annotate(base_micro=base).exclude(base_micro=None).exclude(base_micro=F("price_micro"))
    return changed.update(price_micro=base)


def keep(*, agreed: Iterable[tuple[Reservation, Sequence[int]]]) -> None:
    """Write the hourly prices of reservations down where they differ from hour to hour."""
    AgreedPrice.objects.bulk_create(row for reservation, prices in agreed for row in _rows(reservation, prices))


def add(*, reservation: Reservation, agreed: Sequence[int]) -> None:
    """Write down the prices of the hours that follow a reservation's end, over those of hours that it gave back."""
    rows = list(reservation.agreed_prices.order_by("starts_at", "version"))
    kept = [row for row in rows if row.starts_at < reservation.ends_at]
    given_back = {row.starts_at for row in rows[len(kept) :]}
    version = max((row.version for row in rows), default=0) + bool(given_back)
    before = kept[-1].price_micro if kept else reservation.price_micro
    added = [] if kept else [AgreedPrice(reservation=reservation, starts_at=reservation.starts_at, price_micro=before)]
    first = len(added)
    for number, price in enumerate(agreed):
        starts_at = reservation.ends_at + number * HOUR
        if price != before or starts_at in given_back:
            added.append(AgreedPrice(reservation=reservation, starts_at=starts_at, price_micro=price, version=version))
        before = price
    if added[first:]:
        AgreedPrice.objects.bulk_create(added)


def agreed(reservation: Reservation) -> Callable[[datetime], int]:
    """Return what a card-hour of a reservation costs at an instant, in micro-yuan."""
    rows = sorted(reservation.agreed_prices.all(), key=lambda row: (row.starts_at, row.version))
    starts, prices = [row.starts_at for row in rows], [row.price_micro for row in rows]
    if not starts:
        return lambda _instant: reservation.price_micro
    return lambda instant: prices[max(bisect_right(starts, instant) - 1, 0)]


def _rows(reservation: Reservation, prices: Sequence[int]) -> Iterable[AgreedPrice]:
    if all(price == reservation.price_micro for price in prices):
        return
    before = None
    for number, price in enumerate(prices):
        if price != before:
            starts_at = reservation.starts_at + number * HOUR
            yield AgreedPrice(reservation=reservation, starts_at=starts_at, price_micro=price)
        before = price


def _check(plan: Plan) -> None:
    found = pricing.problems(plan)
    if plan.electricity and not Tariff.objects.filter(code=plan.electricity.tariff).exists():
        found.setdefault("electricity", "unknown-tariff")
    if found:
        fields = {field: str(PROBLEMS[code]) for field, code in found.items()}
        raise BadPlan(_("The terms of the price plan make no sense."), fields=fields)
