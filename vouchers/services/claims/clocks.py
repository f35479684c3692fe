"""How long each stage of a claim may take, for the desk's clocks. Days of Shanghai, ending with the day."""

from datetime import datetime, timedelta

from core.periods import date_of, midnight
from vouchers.models import ClaimStatus

DAYS = {
    ClaimStatus.ASSEMBLED: 15,
    ClaimStatus.SUBMITTED: 5,
    ClaimStatus.OPERATOR_CHECK: 5,
    ClaimStatus.AUDIT_SAMPLE: 10,
    ClaimStatus.RETURNED: 15,
    ClaimStatus.APPROVED: 5,
    ClaimStatus.PARTLY_APPROVED: 5,
    ClaimStatus.FINANCE_REVIEW: 10,
    ClaimStatus.INSTRUCTED: 5,
    ClaimStatus.PAYMENT_FAILED: 5,
    ClaimStatus.PAID: 5,
}


def due(status: ClaimStatus, at: datetime) -> datetime | None:
    """Return when a stage that begins now should be over; those that are over have no clock."""
    days = DAYS.get(status)
    return None if days is None else end_of_day(at, days=days)


def end_of_day(at: datetime, *, days: int) -> datetime:
    """Return the end of the day that is so many days from now."""
    return midnight(date_of(at) + timedelta(days=days + 1))
