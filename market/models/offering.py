"""A pool of identical cards at a site, for sale by the hour."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.db.models.functions import Greatest, Mod
from django.utils.translation import gettext_lazy as _

from accounts.models import Onboarding, Organization, User
from core.fields import MicroField
from core.ids import new_reference
from core.models import Entity, EntityQuerySet, Row, Stateful
from market.models.catalogue import Accelerator, Site
from market.models.hours import hour_holding

MOST_CARDS = 2**31 - 1
MOST_NOTICE_HOURS = 30 * 24
MOST_PROVISIONING_MINUTES = 7 * 24 * 60
MOST_RECLAIM_MINUTES = 24 * 60


class Category(models.TextChoices):
    """What the hours are for; voucher programmes pay for some categories only."""

    GPU_TRAIN = "GPU_TRAIN", _("Training")
    GPU_INFER = "GPU_INFER", _("Inference")
    HPC = "HPC", _("High-performance computing")


class OfferingStatus(models.TextChoices):
    """An offering is drafted, reviewed by an operator, listed or rejected, perhaps paused, and in the end archived."""

    DRAFT = "draft", _("Draft")
    REVIEW = "review", _("In review")
    REJECTED = "rejected", _("Turned down")
    LISTED = "listed", _("Listed")
    PAUSED = "paused", _("Paused")
    ARCHIVED = "archived", _("Archived")


class Handover(models.TextChoices):
    """How a provider says that the cards can be used."""

    CLOCK = "clock", _("Usable from the start without a report")
    REPORTED = "reported", _("The provider reports access in time, or has failed")


def for_sale() -> Q:
    """Return the condition under which an offering is shown and matched."""
    return Q(status=OfferingStatus.LISTED, provider__in=Onboarding.objects.verified().values("organization"))


class OfferingQuerySet(EntityQuerySet["Offering"]):
    """Offerings by who may see or buy them."""

    def listed(self) -> Self:
        """Keep what is for sale: listed, by a provider that is verified."""
        return self.filter(for_sale())

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(for_sale() | Q(provider=organization))

    def selling(self, *, count: int, hours: int) -> Self:
        """Keep those that sell this many cards for this many hours in one order, whatever is free at the time."""
        lots = self.alias(beyond=Mod(count - F("min_count"), F("step_count"))).filter(min_count__lte=count, beyond=0)
        return lots.filter(Q(max_count=None) | Q(max_count__gte=count), Q(max_hours=None) | Q(max_hours__gte=hours))

    def selling_part(self, *, cards: int, most: int, hours: int) -> Self:
        """Keep those that sell some number of cards from ``cards`` to ``most`` for this many hours in one order."""
        first = Greatest(
            F("min_count"),
            F("min_count") + (cards - F("min_count") + F("step_count") - 1) / F("step_count") * F("step_count"),
        )
        lots = self.alias(first=first).filter(first__lte=most)
        return lots.filter(
            Q(max_count=None) | Q(max_count__gte=F("first")), Q(max_hours=None) | Q(max_hours__gte=hours)
        )

    def interruptible(self) -> Self:
        """Keep those that sell to orders that give way."""
        return self.filter(floor_micro__isnull=False)

    def with_place(self) -> Self:
        return self.select_related("provider", "site", "accelerator")


class Offering(Entity, Stateful):
    """A pool of identical cards at a site on an hourly calendar, at a flat price.

    An order takes ``min_count`` cards, or ``step_count`` more of them and so on, up to ``max_count`` and for at most
    ``max_hours``; it starts no earlier than ``lead`` after it is matched. ``reference`` is the seller's own name of it.
    One with a floor also sells what nobody else wants, at the floor, to orders that give way after ``reclaim_minutes``.
    """

    MOVES = {
        OfferingStatus.DRAFT: {OfferingStatus.REVIEW, OfferingStatus.ARCHIVED},
        OfferingStatus.REVIEW: {
            OfferingStatus.LISTED,
            OfferingStatus.REJECTED,
            OfferingStatus.DRAFT,
            OfferingStatus.ARCHIVED,
        },
        OfferingStatus.REJECTED: {OfferingStatus.REVIEW, OfferingStatus.ARCHIVED},
        OfferingStatus.LISTED: {OfferingStatus.PAUSED, OfferingStatus.REVIEW, OfferingStatus.ARCHIVED},
        OfferingStatus.PAUSED: {OfferingStatus.LISTED, OfferingStatus.REVIEW, OfferingStatus.ARCHIVED},
        OfferingStatus.ARCHIVED: set(),
    }

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="offerings")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="offerings")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="offerings")
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    count = models.PositiveIntegerField(_("cards"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    handover = models.CharField(
        _("handover"), max_length=16, choices=Handover, default=Handover.CLOCK, db_default=Handover.CLOCK.value
    )
    reliability_bp = models.PositiveIntegerField(_("reliability (basis points)"), null=True, editable=False)
    reference = models.CharField(_("own reference"), max_length=60, default=new_reference)
    min_count = models.PositiveIntegerField(_("fewest cards of an order"), default=1)
    step_count = models.PositiveIntegerField(_("cards by which orders grow"), default=1)
    max_count = models.PositiveIntegerField(_("most cards of an order"), null=True, blank=True)
    max_hours = models.PositiveIntegerField(_("longest order (hours)"), null=True, blank=True)
    notice_hours = models.PositiveIntegerField(_("notice before the start (hours)"), default=0)
    provisioning_minutes = models.PositiveIntegerField(_("time to provision (minutes)"), default=0)
    floor_micro = MicroField(_("floor for interruptible orders (micro-yuan)"), null=True, editable=False)
    reclaim_minutes = models.PositiveIntegerField(_("notice of a reclaim (minutes)"), null=True, editable=False)
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True)
    review_note = models.CharField(_("note of the review"), max_length=500, blank=True)
    # What a card-hour cost when the operator last looked: later changes are measured by it, however many there are.
    reviewed_micro = MicroField(_("reviewed price (micro-yuan)"), null=True, editable=False)
    reviewed_plan = models.ForeignKey(
        "market.PricePlan",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("reviewed price plan"),
    )

    objects = OfferingQuerySet.as_manager()

    class Meta:
        verbose_name = _("offering")
        verbose_name_plural = _("offerings")
        indexes = [
            models.Index(fields=["status", "accelerator", "price_micro"], name="offering_for_sale"),
            models.Index(
                fields=["price_micro", "id"], condition=Q(status=OfferingStatus.LISTED), name="offering_cheapest"
            ),
        ]
        constraints = [
            UniqueConstraint(fields=["provider", "name"], name="offering_name_once"),
            UniqueConstraint(fields=["provider", "reference"], name="offering_reference_once"),
            models.CheckConstraint(condition=~Q(reference=""), name="offering_reference_given"),
            models.CheckConstraint(condition=Q(count__gt=0), name="offering_count_positive"),
            models.CheckConstraint(
                condition=Q(min_count__gt=0, step_count__gt=0, min_count__lte=F("count"))
                & (Q(max_count=None) | Q(max_count__gte=F("min_count"), max_count__lte=F("count"))),
                name="offering_lot_fits",
            ),
            models.CheckConstraint(
                condition=Q(max_hours=None) | Q(max_hours__gt=0), name="offering_longest_order_positive"
            ),
            models.CheckConstraint(
                condition=Q(notice_hours__lte=MOST_NOTICE_HOURS, provisioning_minutes__lte=MOST_PROVISIONING_MINUTES),
                name="offering_lead_within_reason",
            ),
            models.CheckConstraint(
                condition=Q(floor_micro=None, reclaim_minutes=None)
                | Q(
                    floor_micro__isnull=False,
                    floor_micro__gt=0,
                    reclaim_minutes__isnull=False,
                    reclaim_minutes__lte=MOST_RECLAIM_MINUTES,
                ),
                name="offering_floor_has_notice",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[OfferingStatus.LISTED, OfferingStatus.PAUSED, OfferingStatus.REJECTED])
                | Q(reviewed_at__isnull=False),
                name="offering_listed_after_review",
            ),
            models.CheckConstraint(condition=~Q(reviewed_by=F("submitted_by")), name="offering_reviewed_by_another"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="offering_price_positive"),
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(closes_at__gt=F("opens_at")), name="offering_closes_after_opening"
            ),
            models.CheckConstraint(condition=Q(status__in=OfferingStatus.values), name="offering_status_known"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="offering_category_known"),
            models.CheckConstraint(condition=Q(handover__in=Handover.values), name="offering_handover_known"),
            models.CheckConstraint(
                condition=Q(reliability_bp=None) | Q(reliability_bp__lte=10_000), name="offering_reliability_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def counts(self) -> range:
        """Return the numbers of cards that an order may take."""
        return range(self.min_count, (self.max_count or MOST_CARDS) + 1, self.step_count)

    @property
    def lead(self) -> timedelta:
        """Return how long after its match an order can start at the earliest."""
        return timedelta(hours=self.notice_hours, minutes=self.provisioning_minutes)

    def is_open(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Tell whether the calendar is open for the whole of [starts_at, ends_at)."""
        return self.opens_at <= starts_at and (self.closes_at is None or ends_at <= self.closes_at)


class CalendarHour(Row):
    """One hour of an offering that differs from "all cards free": its capacity and what is reserved of it.

    An hour without a row has the offering's ``count`` and nothing reserved. The check is what makes over-booking
    impossible, whatever the code above it does.
    """

    id = models.BigAutoField(primary_key=True)
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="calendar", db_index=False)
    hour = models.DateTimeField(_("hour"))
    capacity = models.PositiveIntegerField(_("capacity"))
    reserved = models.PositiveIntegerField(_("reserved"), default=0)

    class Meta:
        verbose_name = _("calendar hour")
        verbose_name_plural = _("calendar hours")
        constraints = [
            UniqueConstraint(fields=["offering", "hour"], name="calendar_hour_once"),
            models.CheckConstraint(condition=Q(reserved__lte=F("capacity")), name="calendar_hour_not_overbooked"),
            models.CheckConstraint(condition=Q(hour=hour_holding("hour")), name="calendar_hour_is_full"),
        ]
