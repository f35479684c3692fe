"""Price history and index: computed from the tape, versioned, never changed."""

from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.fields import MicroField
from core.models import EntityQuerySet, Row
from market.models.catalogue import Accelerator
from market.models.offering import Category
from market.models.tape import Span


class CandleQuerySet(EntityQuerySet["Candle"]):
    """Candles of one class at one hub."""

    def latest_versions(self) -> Self:
        """Return the last version of each period, the latest period first."""
        return self.order_by("-starts_at", "-version").distinct("starts_at")


class Candle(Row):
    """What a class cost at a hub in an hour or a day of Shanghai. A later trade or exclusion makes a new version."""

    id = models.BigAutoField(primary_key=True)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    hub_name = models.CharField(_("hub"), max_length=40, blank=True)
    span = models.CharField(_("span"), max_length=8, choices=Span)
    starts_at = models.DateTimeField(_("from"))
    version = models.PositiveIntegerField(_("version"))
    trades = models.PositiveIntegerField(_("trades"))
    card_hours = models.BigIntegerField(_("card-hours"))
    open_micro = MicroField(_("first price (micro-yuan)"), null=True)
    high_micro = MicroField(_("highest price (micro-yuan)"), null=True)
    low_micro = MicroField(_("lowest price (micro-yuan)"), null=True)
    close_micro = MicroField(_("last price (micro-yuan)"), null=True)
    median_micro = MicroField(_("median price (micro-yuan)"), null=True)
    computed_at = models.DateTimeField(_("computed at"))

    objects = CandleQuerySet.as_manager()

    class Meta:
        verbose_name = _("price history")
        verbose_name_plural = _("price history")
        constraints = [
            UniqueConstraint(
                fields=["accelerator", "category", "hub_name", "span", "starts_at", "version"],
                name="candle_version_once",
            ),
            models.CheckConstraint(condition=Q(span__in=[Span.HOUR, Span.DAY]), name="candle_span_known"),
            models.CheckConstraint(
                condition=Q(trades=0, card_hours=0, median_micro=None)
                | Q(
                    trades__gt=0,
                    low_micro__lte=F("median_micro"),
                    high_micro__gte=F("median_micro"),
                    open_micro__range=(F("low_micro"), F("high_micro")),
                    close_micro__range=(F("low_micro"), F("high_micro")),
                ),
                name="candle_prices_in_order",
            ),
        ]


class IndexStatus(models.TextChoices):
    """Whether an index value is published, or what there was too little of."""

    PUBLISHED = "published", _("Published")
    FEW_TRADES = "few-trades", _("Too few trades to publish")
    FEW_SELLERS = "few-sellers", _("Too few sellers to publish")
    FEW_BUYERS = "few-buyers", _("Too few buyers to publish")


class IndexValueQuerySet(EntityQuerySet["IndexValue"]):
    """Index values by what they are about."""

    def latest_versions(self) -> Self:
        """Return the last version of each day of one index, the latest day first."""
        return self.order_by("-on", "-version").distinct("on")


class IndexValue(Row):
    """The index of a class, or of all cards in a kind of work, at a hub or everywhere, on a day of Shanghai.

    Without an accelerator it is about standard card-hours only; without a hub about the whole market.
    ``trades`` counts what was screened in: a pair of parties counts once a day.
    """

    id = models.BigAutoField(primary_key=True)
    on = models.DateField(_("day"))
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    hub_name = models.CharField(_("hub"), max_length=40, null=True)  # noqa: DJ001 - null is every hub, empty is none
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("state"), max_length=12, choices=IndexStatus)
    trades = models.PositiveIntegerField(_("trades"))
    sellers = models.PositiveIntegerField(_("sellers"))
    buyers = models.PositiveIntegerField(_("buyers"))
    screened_out = models.PositiveIntegerField(_("screened out"))
    price_micro = MicroField(_("per card-hour (micro-yuan)"), null=True)
    sch_micro = MicroField(_("per standard card-hour (micro-yuan)"), null=True)
    computed_at = models.DateTimeField(_("computed at"))

    objects = IndexValueQuerySet.as_manager()

    class Meta:
        verbose_name = _("index value")
        verbose_name_plural = _("index values")
        constraints = [
            UniqueConstraint(
                fields=["on", "accelerator", "category", "hub_name", "version"],
                name="index_value_version_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(status__in=IndexStatus.values), name="index_value_status_known"),
            models.CheckConstraint(
                condition=Q(status=IndexStatus.PUBLISHED, accelerator__isnull=False, price_micro__gt=0)
                | Q(status=IndexStatus.PUBLISHED, accelerator=None, price_micro=None, sch_micro__gt=0)
                | ~Q(status=IndexStatus.PUBLISHED) & Q(price_micro=None, sch_micro=None),
                name="index_value_suppressed_when_thin",
            ),
        ]
