"""The charges that a voucher pays a part of: those of its order, or of the hours that an extension added with it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet

from billing.models import Charge, Supplement
from vouchers.models import Redemption


def of(redemptions: Iterable[Redemption]) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Return the charges of orders and those of extensions, each with the redemption that it is ``paid_by``.

    Together they are all; no charge is in both, so sums of the one and the other are of different redemptions.
    """
    wanted = list(redemptions)
    ordered = Charge.objects.filter(supplement=None, reservation__order__funding__redemption__in=wanted)
    extended = Supplement.objects.filter(redemption__in=wanted).values("reservation")
    added = Charge.objects.filter(reservation__in=extended, supplement__redemption__in=wanted)
    return (
        ordered.annotate(paid_by=F("reservation__order__funding__redemption")).order_by(),
        added.annotate(paid_by=F("supplement__redemption")).order_by(),
    )
