"""Prices with a date: tariffs of electricity, price plans of offerings, and what was agreed hour by hour."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.fields import MicroField
from core.models import Entity, EntityQuerySet, Row
from market.models.hours import hour_holding
from market.models.offering import Offering
from market.models.reservation import Reservation
from market.pricing import MOST_MICRO


class Tariff(Entity):
    """What a kilowatt-hour costs by the hour of the day in Shanghai, from a date until the next. Never changed."""

    code = models.SlugField(_("code"), max_length=40)
    starts_at = models.DateTimeField(_("takes effect at"))
    hourly_micro = ArrayField(
        models.BigIntegerField(validators=[MinValueValidator(0), MaxValueValidator(MOST_MICRO)]),
        size=24,
        verbose_name=_("price per kWh in each hour of the day (micro-yuan)"),
    )
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("electricity tariff")
        verbose_name_plural = _("electricity tariffs")
        constraints = [
            UniqueConstraint(fields=["code", "starts_at"], name="tariff_once_per_start"),
            models.CheckConstraint(condition=Q(hourly_micro__len=24), name="tariff_has_24_hours"),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.starts_at:%Y-%m-%d}"


class PricePlanQuerySet(EntityQuerySet["PricePlan"]):
    """Plans by when they count."""

    def in_effect(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at).order_by("-starts_at")

    def to_come(self, at: datetime) -> Self:
        return self.filter(starts_at__gt=at).order_by("starts_at")


class PricePlan(Entity):
    """How an offering is priced from an hour on, until its next plan. Never changed: prices change by a new plan.

    ``terms`` is a ``market.pricing.Plan`` as JSON. An offering without a plan costs its flat price.
    """

    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="price_plans")
    starts_at = models.DateTimeField(_("takes effect at"))
    terms = models.JSONField(_("terms"))
    published_at = models.DateTimeField(_("published at"))

    objects = PricePlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("price plan")
        verbose_name_plural = _("price plans")
        constraints = [
            UniqueConstraint(fields=["offering", "starts_at"], name="price_plan_once_per_start"),
            models.CheckConstraint(
                condition=Q(starts_at=hour_holding("starts_at")), name="price_plan_starts_on_the_hour"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gt=models.F("published_at")), name="price_plan_published_before_it_starts"
            ),
        ]


class AgreedPrice(Row):
    """What a card-hour of a reservation costs from an hour on, until the next row. Never changed.

    A reservation without rows costs its ``price_micro`` in every hour. Of several rows for an hour, which a reservation
    that was shortened and then extended may have, the highest ``version`` counts.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="agreed_prices", db_index=False)
    starts_at = models.DateTimeField(_("from"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    version = models.PositiveSmallIntegerField(_("version"), default=0, db_default=0)

    class Meta:
        verbose_name = _("agreed price")
        verbose_name_plural = _("agreed prices")
        constraints = [
            UniqueConstraint(fields=["reservation", "starts_at", "version"], name="agreed_price_once_per_start"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="agreed_price_positive"),
        ]
