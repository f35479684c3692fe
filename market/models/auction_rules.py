"""The rules of fairness and price by which auctions are held: proposed by one person, published by another."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import Entity, EntityQuerySet, Stateful
from core.money import BP_WHOLE
from core.periods import local_minute

MOST_RESERVED_BP = 5_000


class AuctionTerms(models.Model):
    """What auctions go by from an instant on, and why, as it is proposed and as it is published.

    ``reserve_bp`` of the cards of every offering is for small firms and voucher orders. Each auction that an order has
    waited adds ``ageing_bp`` of its value to its rank. Cash orders pay the ask and ``k_bp`` of what their limit leaves
    above it; voucher orders pay the ask.
    """

    starts_at = models.DateTimeField(_("in effect from"))
    reserve_bp = models.PositiveIntegerField(_("reserved for small firms and vouchers (basis points)"), default=0)
    ageing_bp = models.PositiveIntegerField(_("weight of waiting, per auction (basis points)"), default=0)
    k_bp = models.PositiveIntegerField(_("share of the limit above the ask (basis points)"), default=0)
    grounds = models.CharField(_("grounds"), max_length=200)

    class Meta:
        abstract = True

    @property
    def terms(self) -> dict[str, Any]:
        """What auctions go by: all that is proposed, and nothing of who proposed or decided it."""
        return {field.name: getattr(self, field.name) for field in AuctionTerms._meta.local_fields}


class AuctionProposalStatus(models.TextChoices):
    """Rules are proposed by one person and decided by another, or taken back by who proposed them."""

    PROPOSED = "proposed", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class AuctionProposal(Entity, Stateful, AuctionTerms):
    """Rules that somebody wants to hold auctions by. Only once another person approves are they published."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        AuctionProposalStatus.PROPOSED: {
            AuctionProposalStatus.APPROVED,
            AuctionProposalStatus.REJECTED,
            AuctionProposalStatus.WITHDRAWN,
        },
        AuctionProposalStatus.APPROVED: set(),
        AuctionProposalStatus.REJECTED: set(),
        AuctionProposalStatus.WITHDRAWN: set(),
    }

    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    note = models.CharField(_("why it was rejected"), max_length=500, blank=True)

    objects = EntityQuerySet["AuctionProposal"].as_manager()

    class Meta:
        verbose_name = _("proposed rules of the auction")
        verbose_name_plural = _("proposed rules of the auction")
        constraints = [
            UniqueConstraint(
                fields=["starts_at"],
                condition=Q(status=AuctionProposalStatus.PROPOSED),
                name="auction_proposal_once_at_a_time",
            ),
            models.CheckConstraint(condition=Q(reserve_bp__lte=MOST_RESERVED_BP), name="auction_proposal_reserve_half"),
            models.CheckConstraint(condition=Q(ageing_bp__lte=BP_WHOLE), name="auction_proposal_ageing_a_share"),
            models.CheckConstraint(condition=Q(k_bp__lte=BP_WHOLE), name="auction_proposal_k_a_share"),
            models.CheckConstraint(condition=~Q(grounds=""), name="auction_proposal_has_grounds"),
            models.CheckConstraint(condition=Q(starts_at__gt=F("proposed_at")), name="auction_proposal_to_come"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")),
                name="auction_proposal_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status=AuctionProposalStatus.PROPOSED, decided_by=None, decided_at=None, note="")
                | Q(
                    status=AuctionProposalStatus.APPROVED,
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    decided_at__lt=F("starts_at"),
                    note="",
                )
                | Q(status=AuctionProposalStatus.REJECTED, decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(note="")
                | Q(status=AuctionProposalStatus.WITHDRAWN, decided_by=None, decided_at__isnull=False, note=""),
                name="auction_proposal_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} · {local_minute(self.starts_at)}"


class AuctionRulesQuerySet(EntityQuerySet["AuctionRules"]):
    """Rules by when they count."""

    def in_effect(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at).order_by("-starts_at")


class AuctionRules(Entity, AuctionTerms):
    """What auctions go by from an instant on, until the next rules begin. Never changed, never deleted.

    Published by whoever approved the proposal; those from before rules were proposed have none.
    """

    proposal = models.OneToOneField(
        AuctionProposal, on_delete=models.PROTECT, null=True, related_name="rules", verbose_name=_("proposal")
    )
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
