"""Who asks, who may, what was done."""

from accounts.models.audit import AuditEntry, IdempotentRequest, JobRun
from accounts.models.interests import Interest
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
    OrganizationSize,
    Role,
    User,
)
from accounts.models.register import PEOPLE, Shareholding, Tie, Trait, TraitKind
from accounts.models.relations import Ground, Relation
from accounts.models.second_factor import Authenticator, SecondFactorUnreadable
from accounts.models.views import SavedView

__all__ = [
    "NEEDED",
    "PEOPLE",
    "ApiKey",
    "AuditEntry",
    "Authenticator",
    "DocumentKind",
    "Ground",
    "IdempotentRequest",
    "Interest",
    "JobRun",
    "Membership",
    "Onboarding",
    "OnboardingDocument",
    "OnboardingStatus",
    "Organization",
    "OrganizationKind",
    "OrganizationSize",
    "Relation",
    "Role",
    "SavedView",
    "Scope",
    "SecondFactorUnreadable",
    "Shareholding",
    "SigningKey",
    "Tie",
    "Trait",
    "TraitKind",
    "User",
]
