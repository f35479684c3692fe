"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.claim import Claim, ClaimantKind, ClaimQuerySet, ClaimStatus
from vouchers.models.claim_evidence import ClaimDocument, DocumentKind, Evidence, EvidencePack, PackKind
from vouchers.models.claim_line import (
    ClaimEvent,
    ClaimInvoice,
    ClaimLine,
    ClaimLineQuerySet,
    LineKind,
    LineStatus,
    Reason,
)
from vouchers.models.claim_payment import (
    BankResult,
    BatchStatus,
    Payment,
    PaymentBatch,
    PaymentStatus,
    PayoutAccount,
)
from vouchers.models.grant import Grant, GrantQuerySet, GrantStatus
from vouchers.models.log import (
    Algorithm,
    Checkpoint,
    Commitment,
    Cosignature,
    Log,
    LogEntry,
    LogNode,
    Movement,
    Witness,
)
from vouchers.models.programme import Programme, ProgrammeStatus
from vouchers.models.redemption import Capture, EntityYear, Redemption, RedemptionStatus, Refund

__all__ = [
    "Algorithm",
    "BankResult",
    "BatchStatus",
    "Capture",
    "Checkpoint",
    "Claim",
    "ClaimDocument",
    "ClaimEvent",
    "ClaimInvoice",
    "ClaimLine",
    "ClaimLineQuerySet",
    "ClaimQuerySet",
    "ClaimStatus",
    "ClaimantKind",
    "Commitment",
    "Cosignature",
    "DocumentKind",
    "EntityYear",
    "Evidence",
    "EvidencePack",
    "Grant",
    "GrantQuerySet",
    "GrantStatus",
    "LineKind",
    "LineStatus",
    "Log",
    "LogEntry",
    "LogNode",
    "Movement",
    "PackKind",
    "Payment",
    "PaymentBatch",
    "PaymentStatus",
    "PayoutAccount",
    "Programme",
    "ProgrammeStatus",
    "Reason",
    "Redemption",
    "RedemptionStatus",
    "Refund",
    "Witness",
]
