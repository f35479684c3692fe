"""What a payment sets off against what its payee owes after a clawback, each with the case that is its reason."""

from typing import Self

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.fields import FenField
from core.models import Row
from vouchers.models.claim_payment import Payment, PaymentStatus
from vouchers.models.clawback import Clawback


class PaymentOffsetQuerySet(models.QuerySet["PaymentOffset"]):
    """Offsets by what became of their payments."""

    def reserved(self) -> Self:
        """Return those that a payment which is not answered yet keeps: nobody else takes or repays that part."""
        return self.filter(payment__status__in=(PaymentStatus.WAITING, PaymentStatus.SENT))


class PaymentOffset(Row):
    """A part of a payment that is not paid out because the payee owes it. Never changed, never deleted.

    It counts once its payment is paid, and is void if the payment failed or was cancelled.
    """

    id = models.BigAutoField(primary_key=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="offsets")
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="offsets")
    amount_fen = FenField(_("amount (fen)"))

    objects = PaymentOffsetQuerySet.as_manager()

    class Meta:
        verbose_name = _("offset")
        verbose_name_plural = _("offsets")
        constraints = [
            UniqueConstraint(fields=["payment", "clawback"], name="payment_offset_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payment_offset_positive"),
        ]
