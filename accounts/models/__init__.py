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
from accounts.models.relations import Ground, Relation

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Ground",
    "IdempotentRequest",
    "JobRun",
    "Membership",
    "Organization",
    "OrganizationKind",
    "Relation",
    "Role",
    "Scope",
    "SigningKey",
    "User",
]
