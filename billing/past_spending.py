"""What firms spent in the past, order by order, as a programme's simulator takes it."""

from datetime import date
from typing import Any

from django.db.models import Count, Min, Sum

from billing.models import Charge
from core.periods import date_of, midnight
from vouchers.models import Application
from vouchers.parameters import Facts
from vouchers.simulation import PastSpending

SMALL = ("SMALL", "MICRO")
NAMES = (
    "buyer_id",
    "buyer__name",
    "buyer__city",
    "buyer__size",
    "provider_id",
    "reservation__order_id",
    "reservation__order__category",
    "reservation__offering__accelerator__domestic",
)


def between(*, first_on: date, closes_on: date) -> list[PastSpending]:
    """Return what every order cost by usage from one day up to another, in two queries.

    The facts are what the platform knows of a firm; what only papers prove is left out.
    """
    charges = Charge.objects.usage().filter(hour__gte=midnight(first_on), hour__lt=midnight(closes_on))
    rows = charges.order_by().values(*NAMES).annotate(first_at=Min("hour"), spent_fen=Sum("amount_fen"))
    districts = _districts()
    return [_spending(row, districts.get(row["buyer_id"], "")) for row in rows if row["spent_fen"] > 0]


def orders_between(*, first_on: date, closes_on: date) -> int:
    """Return how many orders cost something from one day up to another."""
    charges = Charge.objects.usage().filter(hour__gte=midnight(first_on), hour__lt=midnight(closes_on))
    return charges.order_by().aggregate(orders=Count("reservation__order", distinct=True))["orders"] or 0


def _districts() -> dict[Any, str]:
    """Return the district that each firm named in its latest application: nothing else of a firm says one."""
    latest = Application.objects.filter(submitted_at__isnull=False).exclude(district="")
    return dict(latest.order_by("submitted_at", "pk").values_list("applicant_id", "district"))


def _spending(row: dict[str, Any], district: str) -> PastSpending:
    size = row["buyer__size"].upper()
    domestic = row["reservation__offering__accelerator__domestic"]
    facts = Facts(
        size=size or None,
        is_sme=size in SMALL if size else None,
        registration_region=row["buyer__city"] or None,
        chip_domestic=domestic,
        facility_type="DOMESTIC" if domestic else "OTHER",
    )
    return PastSpending(
        entity=str(row["buyer_id"]),
        name=row["buyer__name"],
        on=date_of(row["first_at"]),
        category=row["reservation__order__category"],
        provider=str(row["provider_id"]),
        amount_fen=row["spent_fen"],
        facts=facts,
        group=row["buyer__city"],
        district=district,
    )
