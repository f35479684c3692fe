"""Who asks, who may, what was done."""

from accounts.models.audit import AuditEntry, IdempotentRequest, JobRun
from accounts.models.keys import ApiKey, Scope, SigningKey
from accounts.models.people import (
    Membership,
    Organization,
    OrganizationKind,
    Role,
    User,
)

__all__ = [
    "ApiKey",
    "AuditEntry",
    "IdempotentRequest",
    "JobRun",
    "Membership",
    "Organization",
    "OrganizationKind",
    "Role",
    "Scope",
    "SigningKey",
    "User",
]
