"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.application import Application, ApplicationQuerySet, ApplicationStatus, ReasonCode
from vouchers.models.application_facts import Appeal, ApplicationDocument, Objection, Review, Step, Verdict
from vouchers.models.application_round import Evidence, Round, RoundStatus
from vouchers.models.claim import Claim, ClaimantKind, ClaimQuerySet, ClaimStatus
from vouchers.models.claim_evidence import ClaimDocument, DocumentKind, EvidencePack, KeptFile, PackKind
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
    AccountState,
    BankResult,
    BatchStatus,
    Payment,
    PaymentBatch,
    PaymentStatus,
    PayoutAccount,
)
from vouchers.models.clawback import (
    Clawback,
    ClawbackAnswer,
    ClawbackInstalment,
    ClawbackItem,
    ClawbackRecovery,
    ClawbackStatus,
    RecoveryKind,
)
from vouchers.models.clawback_appeal import AppealOutcome, ClawbackAppeal, ClawbackRemission, ClawbackRestitution
from vouchers.models.clawback_document import ClawbackDocument
from vouchers.models.extension import Extension, ExtensionStatus
from vouchers.models.finding import Finding, FindingRule, FindingStatus, ForeignClaim, Severity, Tip
from vouchers.models.first_use import FirstUse
from vouchers.models.freeze import Blacklisting, Freeze, FreezeGround
from vouchers.models.grant import Grant, GrantQuerySet, GrantStatus
from vouchers.models.grant_batch import GrantBatch, GrantBatchRow, Reissue, ReissueStatus
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
from vouchers.models.payment_offset import PaymentOffset
from vouchers.models.price_filing import FilingStatus, PriceFiling
from vouchers.models.programme import Programme, ProgrammeMode, ProgrammeStatus
from vouchers.models.provider_listing import ListingStatus, ProviderListing
from vouchers.models.redemption import Capture, EntityYear, Redemption, RedemptionStatus, Refund
from vouchers.models.simulation import Simulation, SimulationStatus
from vouchers.models.version import ProgrammeVersion, VersionStatus

__all__ = [
    "AccountState",
    "Algorithm",
    "Appeal",
    "AppealOutcome",
    "Application",
    "ApplicationDocument",
    "ApplicationQuerySet",
    "ApplicationStatus",
    "BankResult",
    "BatchStatus",
    "Blacklisting",
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
    "Clawback",
    "ClawbackAnswer",
    "ClawbackAppeal",
    "ClawbackDocument",
    "ClawbackInstalment",
    "ClawbackItem",
    "ClawbackRecovery",
    "ClawbackRemission",
    "ClawbackRestitution",
    "ClawbackStatus",
    "Commitment",
    "Cosignature",
    "DocumentKind",
    "EntityYear",
    "Evidence",
    "EvidencePack",
    "Extension",
    "ExtensionStatus",
    "FilingStatus",
    "Finding",
    "FindingRule",
    "FindingStatus",
    "FirstUse",
    "ForeignClaim",
    "Freeze",
    "FreezeGround",
    "Grant",
    "GrantBatch",
    "GrantBatchRow",
    "GrantQuerySet",
    "GrantStatus",
    "KeptFile",
    "LineKind",
    "LineStatus",
    "ListingStatus",
    "Log",
    "LogEntry",
    "LogNode",
    "Movement",
    "Objection",
    "PackKind",
    "Payment",
    "PaymentBatch",
    "PaymentOffset",
    "PaymentStatus",
    "PayoutAccount",
    "PriceFiling",
    "Programme",
    "ProgrammeMode",
    "ProgrammeStatus",
    "ProgrammeVersion",
    "ProviderListing",
    "Reason",
    "ReasonCode",
    "RecoveryKind",
    "Redemption",
    "RedemptionStatus",
    "Refund",
    "Reissue",
    "ReissueStatus",
    "Review",
    "Round",
    "RoundStatus",
    "Severity",
    "Simulation",
    "SimulationStatus",
    "Step",
    "Tip",
    "Verdict",
    "VersionStatus",
    "Witness",
]
