"""What a programme looks for and what follows, in the words of the rules."""

from vouchers.fraud.thresholds import Sanctions, Thresholds
from vouchers.models import Programme
from vouchers.parameters.integrity import Interest


def thresholds(programme: Programme) -> Thresholds:
    """Return how much is too much in a programme."""
    terms = programme.parameters.integrity
    wash = terms.wash_usage
    return Thresholds(
        related_share_bp=terms.related_party.share_bp,
        circular_days=terms.related_party.circular_trade_days,
        price_outlier_bp=terms.price_outlier_bp,
        idle_utilisation_bp=wash.idle_utilisation_bp,
        idle_billed_bp=wash.billed_hours_bp,
        repeated_jobs=wash.repeated_jobs,
        last_hours=wash.last_hours,
        last_hours_share_bp=wash.last_hours_share_bp,
    )


def sanctions(programme: Programme) -> Sanctions:
    """Return what follows from a finding in a programme; interest counts only if it says a rate."""
    terms = programme.parameters.integrity
    return Sanctions(
        response_working_days=terms.clawback.response_working_days,
        appeal_working_days=terms.clawback.appeal_working_days,
        days_to_pay=terms.clawback.days_to_pay,
        interest_bp=0 if terms.clawback.interest is Interest.NONE else terms.clawback.interest_bp,
        offset_allowed=terms.clawback.offset_allowed,
        blacklist_years=terms.blacklist_years,
    )
