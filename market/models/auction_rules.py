"""The published rules of fairness and price by which auctions are held."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import Entity, EntityQuerySet
from core.money import BP_WHOLE

MOST_RESERVED_BP = 5_000


class AuctionRulesQuerySet(EntityQuerySet["AuctionRules"]):
    """Rules by when they count."""

    def in_effect(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at).order_by("-starts_at")


class AuctionRules(Entity):
    """What auctions go by from an instant on, until the next rules begin. Never changed, never deleted.

    ``reserve_bp`` of the cards of every offering is for small firms and voucher orders. Each auction that an order has
    waited adds ``ageing_bp`` of its value to its rank. Cash orders pay the ask and ``k_bp`` of what their limit leaves
    above it; voucher orders pay the ask.
    """

    starts_at = models.DateTimeField(_("in effect from"))
    reserve_bp = models.PositiveIntegerField(_("reserved for small firms and vouchers (basis points)"), default=0)
    ageing_bp = models.PositiveIntegerField(_("weight of waiting, per auction (basis points)"), default=0)
    k_bp = models.PositiveIntegerField(_("share of the limit above the ask (basis points)"), default=0)
    grounds = models.CharField(_("grounds"), max_length=200)
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = AuctionRulesQuerySet.as_manager()

    class Meta:
        verbose_name = _("rules of the auction")
        verbose_name_plural = _("rules of the auction")
        constraints = [
            UniqueConstraint(fields=["starts_at"], name="auction_rules_once"),
            models.CheckConstraint(condition=Q(reserve_bp__lte=MOST_RESERVED_BP), name="auction_rules_reserve_half"),
            models.CheckConstraint(condition=Q(ageing_bp__lte=BP_WHOLE), name="auction_rules_ageing_a_share"),
            models.CheckConstraint(condition=Q(k_bp__lte=BP_WHOLE), name="auction_rules_k_a_share"),
            models.CheckConstraint(condition=Q(starts_at__gt=F("published_at")), name="auction_rules_to_come"),
        ]
