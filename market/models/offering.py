"""A pool of identical cards at a site, for sale by the hour."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import MicroField
from core.models import Entity, EntityQuerySet, Stateful
from market.models.catalogue import Accelerator, Site
from market.models.hours import hour_holding


class Category(models.TextChoices):
    """What the hours are for; voucher programmes pay for some categories only."""

    GPU_TRAIN = "GPU_TRAIN", _("Training")
    GPU_INFER = "GPU_INFER", _("Inference")
    HPC = "HPC", _("High-performance computing")


class OfferingStatus(models.TextChoices):
    """An offering is drafted, listed, perhaps paused, and in the end archived."""

    DRAFT = "draft", _("Draft")
    LISTED = "listed", _("Listed")
    PAUSED = "paused", _("Paused")
    ARCHIVED = "archived", _("Archived")


class Handover(models.TextChoices):
    """How a provider says that the cards can be used."""

    CLOCK = "clock", _("Usable from the start without a report")
    REPORTED = "reported", _("The provider reports access in time, or has failed")


class OfferingQuerySet(EntityQuerySet["Offering"]):
    """Offerings by who may see or buy them."""

    def listed(self) -> Self:
        return self.filter(status=OfferingStatus.LISTED)

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(status=OfferingStatus.LISTED) | Q(provider=organization))

    def with_place(self) -> Self:
        return self.select_related("provider", "site", "accelerator")


class Offering(Entity, Stateful):
    """A pool of identical cards at a site on an hourly calendar, at a flat price."""

    MOVES = {
        OfferingStatus.DRAFT: {OfferingStatus.LISTED, OfferingStatus.ARCHIVED},
        OfferingStatus.LISTED: {OfferingStatus.PAUSED, OfferingStatus.ARCHIVED},
        OfferingStatus.PAUSED: {OfferingStatus.LISTED, OfferingStatus.ARCHIVED},
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
            models.CheckConstraint(condition=Q(count__gt=0), name="offering_count_positive"),
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

    def is_open(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Tell whether the calendar is open for the whole of [starts_at, ends_at)."""
        return self.opens_at <= starts_at and (self.closes_at is None or ends_at <= self.closes_at)


class CalendarHour(models.Model):
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
