"""Public money: programme → grant → redemption (hold → capture → release)."""

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
    "Capture",
    "Checkpoint",
    "Commitment",
    "Cosignature",
    "EntityYear",
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
    "Redemption",
    "RedemptionStatus",
    "Refund",
    "Witness",
]
