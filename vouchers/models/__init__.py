"""Public money: programme → grant → redemption (hold → capture → release)."""

from vouchers.models.grant import Grant, GrantStatus
from vouchers.models.programme import Programme, ProgrammeStatus
from vouchers.models.redemption import Capture, EntityYear, Redemption, RedemptionStatus, Refund

__all__ = [
    "Capture",
    "EntityYear",
    "Grant",
    "GrantStatus",
    "Programme",
    "ProgrammeStatus",
    "Redemption",
    "RedemptionStatus",
    "Refund",
]
