"""Who asks, who may, what was done."""

from accounts.models.audit import AuditEntry, IdempotentRequest, JobRun
from accounts.models.keys import ApiKey, Scope, SigningKey
from accounts.models.onboarding import (
    NEEDED,
    DocumentKind,
    Onboarding,
    OnboardingDocument,
    OnboardingStatus,
)
from accounts.models.people import (
    Membership,
    Organization,
    OrganizationKind,
    Role,
    User,
)

__all__ = [
    "NEEDED",
    "ApiKey",
    "AuditEntry",
    "DocumentKind",
    "IdempotentRequest",
    "JobRun",
    "Membership",
    "Onboarding",
    "OnboardingDocument",
    "OnboardingStatus",
    "Organization",
    "OrganizationKind",
    "Role",
    "Scope",
    "SigningKey",
    "User",
]
