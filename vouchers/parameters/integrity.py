"""What is looked for, what follows, and what is published."""

from enum import StrEnum

from vouchers.parameters.units import Bp, Count, Days, Group, Line, PositiveBp, PositiveCount, Years


class RelatedRule(StrEnum):
    """What happens between related parties."""

    IGNORE = "IGNORE"
    FLAG = "FLAG"
    DENY = "DENY"


class Interest(StrEnum):
    """Whether what is clawed back bears interest."""

    NONE = "NONE"
    LOAN_PRIME_RATE = "LOAN_PRIME_RATE"
    FIXED = "FIXED"


class RelatedParty(Group, frozen=True, kw_only=True):
    """When buyer and provider are related: from ``share_bp`` of ownership on, or by something they share."""

    rule: RelatedRule = RelatedRule.DENY
    share_bp: PositiveBp = 2_500
    flag_share_bp: Bp = 1
    same_representative: bool = True
    same_controller: bool = True
    same_bank_account: bool = True
    same_contact: bool = True
    same_address: bool = True
    same_device: bool = True
    circular_trade_days: Days = 90


class WashUsage(Group, frozen=True, kw_only=True):
    """When usage looks made up."""

    idle_utilisation_bp: Bp = 500
    billed_hours_bp: Bp = 10_000
    repeated_jobs: PositiveCount = 20
    last_hours: Count = 72
    last_hours_share_bp: Bp = 5_000


class Clawback(Group, frozen=True, kw_only=True):
    """How wrongly paid money comes back."""

    interest: Interest = Interest.NONE
    interest_bp: Bp = 0
    response_working_days: Days = 10
    appeal_working_days: Days = 10
    days_to_pay: Days = 30
    offset_allowed: bool = True


class LogTerms(Group, frozen=True, kw_only=True):
    """Which log keeps the programme's movements, and who watches it."""

    hash_algorithms: tuple[Line, ...] = ("sha256",)
    signature_algorithms: tuple[Line, ...] = ("ed25519",)
    checkpoint_minutes: PositiveCount = 10
    witnesses: tuple[Line, ...] = ()


class Integrity(Group, frozen=True, kw_only=True):
    """Findings, sanctions and the log."""

    related_party: RelatedParty = RelatedParty()
    price_outlier_bp: Count = 3_000
    fixed_price_reference_bp: Count | None = None
    wash_usage: WashUsage = WashUsage()
    clawback: Clawback = Clawback()
    blacklist_years: Years = 3
    whistle_blow_channel: Line = ""
    log: LogTerms = LogTerms()


class Frequency(StrEnum):
    """How often a report is due."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUAL = "ANNUAL"


class Masking(StrEnum):
    """How much of a name the public list shows."""

    NONE = "NONE"
    PARTIAL = "PARTIAL"
    FULL = "FULL"


class Reporting(Group, frozen=True, kw_only=True):
    """What is reported, and what is published."""

    kpis: tuple[Line, ...] = ("budget", "reach", "speed", "leverage", "compute", "integrity", "funnel")
    frequency: Frequency = Frequency.MONTHLY
    public_fields: tuple[Line, ...] = ("name", "credit_code", "district", "amount")
    export_schema: Line = "suanyi-1"
    masking: Masking = Masking.PARTIAL
