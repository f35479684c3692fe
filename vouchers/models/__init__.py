"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.clawback import (
    Clawback,
    ClawbackAnswer,
    ClawbackInstalment,
    ClawbackItem,
    ClawbackRecovery,
    ClawbackStatus,
    RecoveryKind,
)
from vouchers.models.finding import Finding, FindingRule, FindingStatus, ForeignClaim, Severity, Tip
from vouchers.models.freeze import Blacklisting, Freeze
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
from vouchers.models.programme import Programme, ProgrammeMode, ProgrammeStatus
from vouchers.models.redemption import Capture, EntityYear, Redemption, RedemptionStatus, Refund

__all__ = [
    "Algorithm",
    "Blacklisting",
    "Capture",
    "Checkpoint",
    "Clawback",
    "ClawbackAnswer",
    "ClawbackInstalment",
    "ClawbackItem",
    "ClawbackRecovery",
    "ClawbackStatus",
    "Commitment",
    "Cosignature",
    "EntityYear",
    "Finding",
    "FindingRule",
    "FindingStatus",
    "ForeignClaim",
    "Freeze",
    "Grant",
    "GrantQuerySet",
    "GrantStatus",
    "Log",
    "LogEntry",
    "LogNode",
    "Movement",
    "Programme",
    "ProgrammeMode",
    "ProgrammeStatus",
    "RecoveryKind",
    "Redemption",
    "RedemptionStatus",
    "Refund",
    "Severity",
    "Tip",
    "Witness",
]
