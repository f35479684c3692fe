"""What a provider is owed after commission, what the authority owes of it, and what it denied and must bear again."""

from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from billing.models.charge import Charge
from billing.models.invoice import Invoice
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row
from vouchers.models import Programme, Redemption


class SettlementQuerySet(EntityQuerySet["Settlement"]):
    """Settlements by who may see them."""

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider)


class Settlement(Entity):
    """A provider's month: gross, the platform's commission, its VAT, and what is left. Never changed."""

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="settlements")
    month_on = models.DateField(_("month"))
    gross_fen = FenField(_("gross (fen)"))
    commission_fen = FenField(_("commission without VAT (fen)"))
    vat_fen = FenField(_("VAT of the commission (fen)"))
    net_fen = FenField(_("net (fen)"))
    settled_at = models.DateTimeField(_("settled at"))

    objects = SettlementQuerySet.as_manager()

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        constraints = [
            UniqueConstraint(fields=["provider", "month_on"], name="settlement_once_per_month"),
            models.CheckConstraint(
                condition=Q(gross_fen=F("net_fen") + F("commission_fen") + F("vat_fen")),
                name="settlement_adds_up",
            ),
        ]


class SettlementLine(Row):
    """One invoice in one settlement. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines")
    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="settlement_line")

    class Meta:
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")


class CommissionBasis(Row):
    """A part of a settlement's gross amount, and the rate of the commission on it. Never changed, never deleted.

    A part is what vouchers of one ``programme`` paid, or without one what buyers paid with own money. The commission
    itself is rounded once a reservation (``billing.commission``), so it is not a basis times its rate to the fen.
    """

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="commission_bases")
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, null=True, related_name="+")
    rate_bp = models.PositiveIntegerField(_("commission (basis points)"))
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("basis of a commission")
        verbose_name_plural = _("bases of commissions")
        constraints = [
            UniqueConstraint(
                fields=["settlement", "programme", "rate_bp"], nulls_distinct=False, name="commission_basis_once"
            ),
            models.CheckConstraint(condition=Q(rate_bp__lte=10_000), name="commission_basis_rate_in_range"),
        ]


class AuthorityPayable(Row):
    """What a programme's authority owes towards one settlement. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="authority_payables")
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("amount payable by the authority")
        verbose_name_plural = _("amounts payable by the authority")
        constraints = [UniqueConstraint(fields=["settlement", "programme"], name="authority_payable_once")]


class UndoneDenial(Row):
    """What a correction took off a provider's denial instead of refunding a voucher twice. Never changed.

    Together these are never more than what was denied of the redemption's part that the provider delivered.
    """

    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, primary_key=True, related_name="undone_denial")
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("undone denial")
        verbose_name_plural = _("undone denials")
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="undone_denial_of_something")]
