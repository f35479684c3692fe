"""How the hours of an extension will be paid: what was set aside when they were added."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from billing.models.funding import Funding
from core.fields import FenField
from core.models import Entity
from ledger.models import Hold
from market.models import Reservation
from vouchers.models import Redemption


class Supplement(Entity):
    """The most that added hours can cost, set aside beside the order's funding and closed with it. Never changed.

    It pays for the hours of its reservation from ``starts_at`` on, up to where a later supplement begins. The
    commission is its order's; ``voucher_commission_bp`` is what the programme of its own voucher says, as in a funding.
    """

    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="supplements")
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="supplements")
    number = models.PositiveIntegerField(_("number"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    estimate_fen = FenField(_("estimate (fen)"))
    redemption = models.OneToOneField(Redemption, on_delete=models.PROTECT, null=True, related_name="supplement")
    voucher_fen = FenField(_("voucher (fen)"))
    wallet_hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True, related_name="+")
    wallet_fen = FenField(_("wallet (fen)"))
    voucher_commission_bp = models.PositiveIntegerField(
        _("commission on the voucher's part (basis points)"), null=True, editable=False
    )

    class Meta:
        verbose_name = _("supplement")
        verbose_name_plural = _("supplements")
        constraints = [
            UniqueConstraint(fields=["reservation", "number"], name="supplement_in_turn"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="supplement_not_empty"),
            models.CheckConstraint(
                condition=Q(estimate_fen=F("voucher_fen") + F("wallet_fen")), name="supplement_adds_up"
            ),
            models.CheckConstraint(condition=Q(voucher_fen__gte=0, wallet_fen__gte=0), name="supplement_not_negative"),
            models.CheckConstraint(
                condition=Q(voucher_fen=0, redemption=None) | Q(voucher_fen__gt=0, redemption__isnull=False),
                name="supplement_voucher_has_redemption",
            ),
            models.CheckConstraint(
                condition=Q(wallet_fen=0, wallet_hold=None) | Q(wallet_fen__gt=0, wallet_hold__isnull=False),
                name="supplement_wallet_has_hold",
            ),
        ]
