"""What a debtor says against a decided clawback, what another person decides, and what is given back after it."""

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row
from vouchers.models.clawback import Clawback, ClawbackAnswer
from vouchers.models.redemption import Redemption


class AppealOutcome(models.TextChoices):
    """What becomes of a decision that was appealed against."""

    UPHELD = "upheld", _("The decision stands")
    REDUCED = "reduced", _("Less is demanded")
    QUASHED = "quashed", _("The decision is quashed")


class ClawbackAppeal(Entity):
    """What the debtor says against the decision of a case, once; while it waits nothing is enforced.

    What it says, with its files, is an answer like others. Whoever had a hand in the case does not decide it.
    """

    clawback = models.OneToOneField(Clawback, on_delete=models.PROTECT, related_name="appeal")
    statement = models.OneToOneField(ClawbackAnswer, on_delete=models.PROTECT, related_name="appeal")
    outcome = models.CharField(_("outcome"), max_length=8, choices=AppealOutcome, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    calculation = models.JSONField(_("calculation"), default=dict, editable=False)
    remitted_principal_fen = FenField(_("principal no longer demanded (fen)"), default=0)
    remitted_interest_fen = FenField(_("interest no longer demanded (fen)"), default=0)

    objects = EntityQuerySet["ClawbackAppeal"].as_manager()

    class Meta:
        verbose_name = _("appeal against a clawback")
        verbose_name_plural = _("appeals against clawbacks")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", decided_by=None, decided_at=None, remitted_principal_fen=0)
                | Q(outcome__in=AppealOutcome.values, decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(reason=""),
                name="clawback_appeal_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "upheld"], remitted_principal_fen=0, remitted_interest_fen=0)
                | Q(outcome="reduced", remitted_principal_fen__gt=0, remitted_interest_fen__gte=0)
                | Q(outcome="quashed", remitted_principal_fen__gte=0, remitted_interest_fen__gte=0),
                name="clawback_appeal_remits_what_it_says",
            ),
        ]

    def __str__(self) -> str:
        return str(self.clawback)


class ClawbackRemission(Row):
    """How much principal an appeal remits of one redemption. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    appeal = models.ForeignKey(ClawbackAppeal, on_delete=models.PROTECT, related_name="remissions")
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="+")
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("remission")
        verbose_name_plural = _("remissions")
        constraints = [
            UniqueConstraint(fields=["appeal", "redemption"], name="clawback_remission_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_remission_positive"),
        ]


class ClawbackRestitution(Row):
    """A part of what an appeal gives back, paid to the debtor by the treasury. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="restitutions")
    reference = models.CharField(_("reference"), max_length=80)
    amount_fen = FenField(_("amount (fen)"))
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    paid_at = models.DateTimeField(_("paid at"))

    class Meta:
        verbose_name = _("restitution")
        verbose_name_plural = _("restitutions")
        constraints = [
            UniqueConstraint(fields=["clawback", "reference"], name="clawback_restitution_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_restitution_positive"),
        ]
