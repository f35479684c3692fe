"""The trade tape: what was traded, where and at what price; and which of it says nothing about prices."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import MicroField
from core.models import EntityQuerySet, Row
from market.models.catalogue import Accelerator
from market.models.offering import Category
from market.models.reservation import Reservation


class TradeQuerySet(EntityQuerySet["Trade"]):
    """Trades by what was traded, and by whether they count."""

    def counting(self) -> Self:
        return self.filter(exclusion=None)


class Trade(Row):
    """A reservation as the market data sees it: copied once, when it was agreed. Never changed, never deleted.

    A class of compute is a card model for a kind of work. ``sch_micro`` is the price per standard card-hour by the
    measure of the day on which the trade was written down, null where there was none. ``hub_name`` is empty outside
    the hubs.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="trade")
    at = models.DateTimeField(_("at"))
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    hub_name = models.CharField(_("hub"), max_length=40, blank=True)
    seller = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    count = models.PositiveIntegerField(_("cards"))
    hours = models.PositiveIntegerField(_("hours"))
    starts_at = models.DateTimeField(_("starts at"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    sch_micro = MicroField(_("price per standard card-hour (micro-yuan)"), null=True)

    objects = TradeQuerySet.as_manager()

    class Meta:
        verbose_name = _("trade")
        verbose_name_plural = _("trades")
        indexes = [
            models.Index(fields=["-at", "-id"], name="trade_latest"),
            models.Index(fields=["accelerator", "category", "hub_name", "at"], name="trade_of_class"),
            models.Index(fields=["buyer", "seller"], name="trade_of_pair"),
            models.Index(fields=["starts_at"], name="trade_to_start"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0, hours__gt=0), name="trade_not_empty"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="trade_price_positive"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="trade_category_known"),
        ]


class ExclusionReason(models.TextChoices):
    """Why a trade counts neither in prices nor in the index."""

    CANCELLED = "cancelled", _("Cancelled before its start")
    RELATED = "related", _("Between related parties")
    NEGOTIATED = "negotiated", _("Awarded after a request for quotations")


class TradeExclusion(Row):
    """A trade stopped counting. Never changed, never deleted: what it moved in the past gets new versions."""

    trade = models.OneToOneField(Trade, on_delete=models.PROTECT, primary_key=True, related_name="exclusion")
    reason = models.CharField(_("reason"), max_length=12, choices=ExclusionReason)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("excluded trade")
        verbose_name_plural = _("excluded trades")
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=ExclusionReason.values), name="trade_exclusion_reason_known"),
        ]


class Span(models.TextChoices):
    """How much time a row of the history, or of the queue before it, is about."""

    HOUR = "hour", _("By the hour")
    DAY = "day", _("By the day")
    INDEX = "index", _("Index")


class TapeChange(Row):
    """A period of a class at a hub has trades, or exclusions, that its history does not know yet.

    Written with the trade and deleted by who computes the period once it is over: the queue of both sweeps.
    """

    id = models.BigAutoField(primary_key=True)
    accelerator = models.ForeignKey(
        Accelerator, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    category = models.CharField(max_length=16)
    hub_name = models.CharField(max_length=40, blank=True)
    span = models.CharField(max_length=8, choices=Span)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tape change")
        verbose_name_plural = _("tape changes")
        indexes = [models.Index(fields=["span", "ends_at"], name="tape_change_due")]
