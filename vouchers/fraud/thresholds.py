"""How much is too much: the parameters of every rule, and of what follows from a finding. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a programme looks for; the defaults hold where it says nothing."""

    related_share_bp: int = 2_500
    circular_days: int = 90
    splitting_entities: int = 3
    splitting_founded_days: int = 365
    price_outlier_bp: int = 3_000
    price_raised_days: int = 30
    price_raised_bp: int = 500
    idle_utilisation_bp: int = 500
    idle_billed_bp: int = 10_000
    repeated_jobs: int = 20
    last_hours: int = 72
    last_hours_share_bp: int = 5_000
    meter_difference_bp: int = 100
    kickback_days: int = 90
    fresh_days: int = 90
    fresh_grant_bp: int = 9_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sanctions:
    """How value that was wrongly paid comes back, and what else follows."""

    response_working_days: int = 10
    appeal_working_days: int = 10
    days_to_pay: int = 30
    interest_bp: int = 0
    offset_allowed: bool = True
    blacklist_years: int = 3
