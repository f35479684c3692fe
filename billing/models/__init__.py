"""What it costs and who pays: funding → charge → invoice → settlement; payments into the wallet."""

from billing.models.approval import ApprovalEnd, ApprovalKind, ApprovalRequest, ApprovalStatus, SpendingLimit
from billing.models.auto_extension import AutoExtension, AutoExtensionEnd, AutoExtensionStatus, AutoExtensionStep
from billing.models.charge import Charge, ChargeKind, ChargeQuerySet, MeterChange, NoticeFee, ServiceCredit
from billing.models.funding import Funding, FundingStatus
from billing.models.instalment import Instalment, InstalmentPlan, InstalmentStatus
from billing.models.invoice import Invoice, InvoiceLine, InvoiceSeries, UninvoicedCharge
from billing.models.line import LineCharge, TakenLine, TakenLineStatus
from billing.models.payment import StripeEvent, TopUp, TopUpMethod, TopUpStatus
from billing.models.settlement import AuthorityPayable, CommissionBasis, Settlement, SettlementLine, UndoneDenial
from billing.models.supplement import Supplement

__all__ = [
    "ApprovalEnd",
    "ApprovalKind",
    "ApprovalRequest",
    "ApprovalStatus",
    "AuthorityPayable",
    "AutoExtension",
    "AutoExtensionEnd",
    "AutoExtensionStatus",
    "AutoExtensionStep",
    "Charge",
    "ChargeKind",
    "ChargeQuerySet",
    "CommissionBasis",
    "Funding",
    "FundingStatus",
    "Instalment",
    "InstalmentPlan",
    "InstalmentStatus",
    "Invoice",
    "InvoiceLine",
    "InvoiceSeries",
    "LineCharge",
    "MeterChange",
    "NoticeFee",
    "ServiceCredit",
    "Settlement",
    "SettlementLine",
    "SpendingLimit",
    "StripeEvent",
    "Supplement",
    "TakenLine",
    "TakenLineStatus",
    "TopUp",
    "TopUpMethod",
    "TopUpStatus",
    "UndoneDenial",
    "UninvoicedCharge",
]
