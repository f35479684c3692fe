"""The seller's first page: the month's revenue, how busy the cards are, and what waits to be done."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import Organization, SigningKey
from billing.models import Charge, Settlement
from core import clock
from core.money import BP_WHOLE
from core.periods import date_of, hour_of
from market.models import (
    CalendarHour,
    Offering,
    OfferingStatus,
    Reservation,
    UsageBatch,
    UsageConflict,
)
from portal import daychart, months
from portal.access import PortalRequest, seller_required

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Revenue:
    """A month's charges in fen: what buyers pay, and what of it is the provider's."""

    gross_fen: int
    net_fen: int
    voucher_fen: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Cards reserved in the present hour, of those on the calendar."""

    reserved: int
    capacity: int

    @property
    def share_bp(self) -> int:
        """Return the share in basis points."""
        return self.reserved * BP_WHOLE // self.capacity if self.capacity else 0


@seller_required
def overview(request: PortalRequest) -> HttpResponse:
    """Show where the provider stands today."""
    at = clock.now()
    provider = request.organization
    month = months.chosen(request, today=date_of(at))
    running = Reservation.objects.of_provider(provider).live()
    context = {
        "month": month,
        "revenue": _revenue(provider, month.on),
        "columns": daychart.columns(Charge.objects.filter(provider=provider), on=month.on),
        "busy": _busy(provider, at),
        "offerings": Offering.objects.of_provider(provider).aggregate(
            listed=Count("pk", Q(status=OfferingStatus.LISTED)), draft=Count("pk", Q(status=OfferingStatus.DRAFT))
        ),
        "reservations": running.select_related("order", "offering").order_by("starts_at", "pk")[:SHOWN],
        "running": running.count(),
        "conflicts": UsageConflict.objects.filter(provider=provider).count(),
        "signing_keys": SigningKey.objects.filter(organization=provider, revoked_at=None).count(),
        "last_batch": UsageBatch.objects.filter(provider=provider).order_by("-pk").first(),
        "settlement": Settlement.objects.of_provider(provider).order_by("-month_on").first(),
    }
    return render(request, "portal/seller/overview.html", context)


def _revenue(provider: Organization, on: date) -> Revenue:
    sums = (
        Charge.objects.filter(provider=provider)
        .in_month(on)
        .aggregate(gross_fen=Sum("amount_fen"), net_fen=Sum("provider_fen"), voucher_fen=Sum("voucher_fen"))
    )
    return Revenue(**{name: int(total or 0) for name, total in sums.items()})


def _busy(provider: Organization, at: datetime) -> Busy:
    """Add up the present hour: hours without a row of their own have every card free."""
    hour = hour_of(at)
    listed = Offering.objects.of_provider(provider).listed()
    cards = {row.pk: row.count for row in listed.only("pk", "count")}
    rows = {row.offering_id: row for row in CalendarHour.objects.filter(offering__in=cards, hour=hour)}
    capacity = sum(rows[key].capacity if key in rows else count for key, count in cards.items())
    return Busy(sum(row.reserved for row in rows.values()), capacity)
