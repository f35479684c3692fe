"""Which order got which offering, when, at what price and why."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.fields import MicroField
from core.models import Entity
from market.models.offering import Offering
from market.models.order import Order


class MatchBatch(Entity):
    """One run of the matching engine, with what is needed to replay it."""

    at = models.DateTimeField(_("at"))
    engine = models.CharField(_("engine"), max_length=40)
    input_sha256 = models.CharField(_("input digest"), max_length=64)
    orders = models.PositiveIntegerField(_("orders"))
    matched = models.PositiveIntegerField(_("matched"))

    class Meta:
        verbose_name = _("match batch")
        verbose_name_plural = _("match batches")


class Match(Entity):
    """The decision for one order. Never changed, never deleted."""

    batch = models.ForeignKey(MatchBatch, on_delete=models.PROTECT, related_name="matches")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="match")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="matches")
    starts_at = models.DateTimeField(_("starts at"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    reason = models.JSONField(_("reason"), default=dict)

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        constraints = [models.CheckConstraint(condition=Q(price_micro__gt=0), name="match_price_positive")]
