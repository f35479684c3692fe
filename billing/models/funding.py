"""How an order will be paid: what was set aside at checkout."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from ledger.models import Hold
from market.models import Order
from vouchers.models import Redemption


class FundingStatus(models.TextChoices):
    """Money is set aside until the order is over and charged, then what is left goes back."""

    OPEN = "open", _("Set aside")
    CLOSED = "closed", _("Closed")


class FundingQuerySet(EntityQuerySet["Funding"]):
    """Fundings by state."""

    def open(self) -> Self:
        return self.filter(status=FundingStatus.OPEN)


class Funding(Entity, Stateful):
    """The most an order can cost, set aside at checkout: a voucher's part and the wallet's part.

    The commission and the VAT in it, in basis points, are those of the day of checkout. ``voucher_commission_bp`` is
    what the programme lets the platform take of the voucher's part. It is unknown where there is no voucher, and before
    there was such a rule: then all is one rate.
    """

    MOVES = {FundingStatus.OPEN: {FundingStatus.CLOSED}, FundingStatus.CLOSED: set()}

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="funding")
    estimate_fen = FenField(_("estimate (fen)"))
    redemption = models.OneToOneField(Redemption, on_delete=models.PROTECT, null=True, related_name="funding")
    voucher_fen = FenField(_("voucher (fen)"))
    wallet_hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True, related_name="+")
    wallet_fen = FenField(_("wallet (fen)"))
    commission_bp = models.PositiveIntegerField(_("commission (basis points)"))
    commission_vat_bp = models.PositiveIntegerField(_("VAT of the commission (basis points)"))
    voucher_commission_bp = models.PositiveIntegerField(
        _("commission on the voucher's part (basis points)"), null=True, editable=False
    )

    objects = FundingQuerySet.as_manager()

    class Meta:
        verbose_name = _("funding")
        verbose_name_plural = _("fundings")
        indexes = [models.Index(fields=["order"], condition=Q(status=FundingStatus.OPEN), name="funding_open")]
        constraints = [
            models.CheckConstraint(condition=Q(commission_bp__lte=10_000), name="funding_commission_in_range"),
            models.CheckConstraint(
                condition=Q(estimate_fen=F("voucher_fen") + F("wallet_fen")),
                name="funding_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(voucher_fen__gte=0, wallet_fen__gte=0),
                name="funding_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(voucher_fen=0, redemption=None) | Q(voucher_fen__gt=0, redemption__isnull=False),
                name="funding_voucher_has_redemption",
            ),
            models.CheckConstraint(
                condition=Q(wallet_fen=0, wallet_hold=None) | Q(wallet_fen__gt=0, wallet_hold__isnull=False),
                name="funding_wallet_has_hold",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FundingStatus.values),
                name="funding_status_known",
            ),
        ]
