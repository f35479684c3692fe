"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.application import Application, ApplicationQuerySet, ApplicationStatus, ReasonCode
from vouchers.models.application_facts import Appeal, ApplicationDocument, Objection, Review, Step, Verdict
from vouchers.models.application_round import Evidence, Round, RoundStatus
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
    "Appeal",
    "Application",
    "ApplicationDocument",
    "ApplicationQuerySet",
    "ApplicationStatus",
    "Capture",
    "Checkpoint",
    "Commitment",
    "Cosignature",
    "EntityYear",
    "Evidence",
    "Grant",
    "GrantQuerySet",
    "GrantStatus",
    "Log",
    "LogEntry",
    "LogNode",
    "Movement",
    "Objection",
    "Programme",
    "ProgrammeMode",
    "ProgrammeStatus",
    "ReasonCode",
    "Redemption",
    "RedemptionStatus",
    "Refund",
    "Review",
    "Round",
    "RoundStatus",
    "Step",
    "Verdict",
    "Witness",
]
