"""Which papers are needed, and how and when what was redeemed is paid."""

from enum import StrEnum

from vouchers.parameters.units import Bp, Days, Group, Line, Window, Years


class Paper(StrEnum):
    """A kind of evidence."""

    CONTRACT = "CONTRACT"
    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    USAGE = "USAGE"
    DELIVERY_ACCEPTANCE = "DELIVERY_ACCEPTANCE"
    MODEL_FILING = "MODEL_FILING"
    ELECTRICITY = "ELECTRICITY"
    COMMITMENT_LETTER = "COMMITMENT_LETTER"
    NON_DUPLICATION_STATEMENT = "NON_DUPLICATION_STATEMENT"
    NON_RELATED_STATEMENT = "NON_RELATED_STATEMENT"


class Evidence(Group, frozen=True, kw_only=True):
    """Papers by stage; ``from_platform`` are those that the platform makes itself."""

    for_application: tuple[Paper, ...] = (Paper.COMMITMENT_LETTER,)
    for_claim: tuple[Paper, ...] = (Paper.CONTRACT, Paper.USAGE, Paper.INVOICE, Paper.PAYMENT, Paper.COMMITMENT_LETTER)
    from_platform: tuple[Paper, ...] = (Paper.CONTRACT, Paper.USAGE, Paper.PAYMENT)
    retention_years: Years = 10
    verify_invoice_number: bool = True


class Claimant(StrEnum):
    """To whom the government owes what was redeemed."""

    PROVIDER = "PROVIDER"
    BUYER = "BUYER"


class Cycle(StrEnum):
    """How often claims are assembled."""

    PER_CLAIM = "PER_CLAIM"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUAL_WINDOW = "ANNUAL_WINDOW"


class InvoiceMode(StrEnum):
    """Whether the provider invoices the whole price, or what the buyer paid."""

    FULL_TO_BUYER = "FULL_TO_BUYER"
    NET_TO_BUYER = "NET_TO_BUYER"


class PartialFunding(StrEnum):
    """What happens to a claim that the money does not cover."""

    WAIT = "WAIT"
    PAY_IN_PART = "PAY_IN_PART"


class Settlement(Group, frozen=True, kw_only=True):
    """Claims and payouts. ``claim_window`` is when buyers may claim, where a programme has such days."""

    claimant: Claimant = Claimant.PROVIDER
    cycle: Cycle = Cycle.MONTHLY
    claim_window: Window | None = None
    claim_cutoff_days: Days = 10
    resubmit_days: Days = 15
    sample_audit_bp: Bp = 1_000
    dual_review: bool = True
    verify_payout_account: bool = True
    partial_funding: PartialFunding = PartialFunding.WAIT
    invoice_mode: InvoiceMode = InvoiceMode.FULL_TO_BUYER
    platform_fee_on_voucher_bp: Bp = 0
    withhold_on_suspension: bool = True
    public_contact: Line = ""
