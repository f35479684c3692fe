"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.grant import Grant, GrantQuerySet, GrantStatus
from vouchers.models.programme import Programme, ProgrammeStatus
from vouchers.models.redemption import Capture, EntityYear, Redemption, RedemptionStatus, Refund

__all__ = [
    "Capture",
    "EntityYear",
    "Grant",
    "GrantQuerySet",
    "GrantStatus",
    "Programme",
    "ProgrammeStatus",
    "Redemption",
    "RedemptionStatus",
    "Refund",
]
