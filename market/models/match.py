"""Which order got which offering, when, at what price and why."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.fields import MicroField
from core.models import Entity, Row
from core.money import BP_WHOLE
from market.models.auction_rules import AuctionRules
from market.models.offering import Offering
from market.models.order import Order
from market.models.quote import Quote


class MatchBatch(Entity):
    """One run of the matching engine. An auction also says how good its answer is, and ``MatchInput`` replays it.

    It was held by the published ``rules``; without any, nothing was reserved and everybody paid the ask.
    ``welfare_micro`` is what the matched orders gained in all, ``bound_micro`` what no allocation can exceed.
    """

    at = models.DateTimeField(_("at"))
    rules = models.ForeignKey(AuctionRules, on_delete=models.PROTECT, null=True, related_name="batches")
    engine = models.CharField(_("engine"), max_length=40)
    input_sha256 = models.CharField(_("input digest"), max_length=64)
    orders = models.PositiveIntegerField(_("orders"))
    matched = models.PositiveIntegerField(_("matched"))
    seed = models.PositiveIntegerField(_("seed"), null=True)
    iterations = models.PositiveIntegerField(_("iterations"), null=True)
    welfare_micro = models.BigIntegerField(_("welfare (micro-yuan)"), null=True)
    bound_micro = models.BigIntegerField(_("bound (micro-yuan)"), null=True)

    class Meta:
        verbose_name = _("match batch")
        verbose_name_plural = _("match batches")
        constraints = [
            models.CheckConstraint(
                condition=Q(welfare_micro=None, bound_micro=None)
                | Q(welfare_micro__gte=0, bound_micro__gte=F("welfare_micro")),
                name="match_batch_within_its_bound",
            ),
        ]

    @property
    def gap_bp(self) -> int | None:
        """Return how far the answer may be from the best one, in basis points of the bound."""
        if self.bound_micro is None or self.welfare_micro is None:
            return None
        return (self.bound_micro - self.welfare_micro) * BP_WHOLE // max(self.bound_micro, 1)


class MatchInput(Row):
    """The frozen input of an auction and its answer, as the engine's own files: enough to replay it anywhere."""

    batch = models.OneToOneField(MatchBatch, on_delete=models.PROTECT, primary_key=True, related_name="input")
    instance = models.BinaryField(_("instance (npz)"))
    outcome = models.BinaryField(_("outcome (npz)"))

    class Meta:
        verbose_name = _("match input")
        verbose_name_plural = _("match inputs")


class Match(Entity):
    """The decision for one order, or for a part of it. Never changed, never deleted.

    Parts are numbered from 1; those of an order that may be split state their ``card_hours``, and PostgreSQL refuses
    more of them than it wants (``match_parts_within_order``).
    """

    batch = models.ForeignKey(MatchBatch, on_delete=models.PROTECT, related_name="matches")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="matches", db_index=False)
    part = models.PositiveSmallIntegerField(_("part"), default=1, db_default=1)
    card_hours = models.PositiveBigIntegerField(_("card-hours of the part"), null=True)
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="matches")
    quote = models.OneToOneField(Quote, on_delete=models.PROTECT, null=True, related_name="match")
    starts_at = models.DateTimeField(_("starts at"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    reason = models.JSONField(_("reason"), default=dict)

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        constraints = [
            UniqueConstraint(fields=["order", "part"], name="match_once_per_part"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="match_price_positive"),
            models.CheckConstraint(
                condition=Q(part=1, card_hours=None) | Q(part__gt=0, card_hours__isnull=False, card_hours__gt=0),
                name="match_part_has_card_hours",
            ),
        ]
