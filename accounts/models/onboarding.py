"""How an operator comes to know a provider: what it handed in, who checked it, and until when that is good."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User
from core.models import Entity, EntityQuerySet, Stateful
from core.uploads import hidden_place


class OnboardingStatus(models.TextChoices):
    """A provider applies, hands in its documents, is verified or turned down, and may lose it again."""

    APPLIED = "applied", _("Documents are missing")
    SUBMITTED = "submitted", _("Waiting to be checked")
    VERIFIED = "verified", _("Verified")
    REJECTED = "rejected", _("Turned down")
    SUSPENDED = "suspended", _("Suspended")
    EXPIRED = "expired", _("Expired")


class OnboardingQuerySet(EntityQuerySet["Onboarding"]):
    """Onboardings by what they are waiting for."""

    def verified(self) -> Self:
        return self.filter(status=OnboardingStatus.VERIFIED)

    def overdue(self, on: date) -> Self:
        return self.verified().filter(good_until__lt=on)

    def waiting(self) -> Self:
        """Keep those that an operator has to look at: new ones, and renewals of verified ones."""
        renewing = Q(status=OnboardingStatus.VERIFIED, submitted_at__gt=F("decided_at"))
        return self.filter(Q(status=OnboardingStatus.SUBMITTED) | renewing)


class Onboarding(Entity, Stateful):
    """Whether a provider is who it says: only a verified one sells. Who handed in does not decide."""

    MOVES = {
        OnboardingStatus.APPLIED: {OnboardingStatus.SUBMITTED},
        OnboardingStatus.SUBMITTED: {OnboardingStatus.VERIFIED, OnboardingStatus.REJECTED},
        OnboardingStatus.VERIFIED: {OnboardingStatus.SUSPENDED, OnboardingStatus.EXPIRED},
        OnboardingStatus.REJECTED: {OnboardingStatus.SUBMITTED},
        OnboardingStatus.SUSPENDED: {OnboardingStatus.VERIFIED, OnboardingStatus.REJECTED},
        OnboardingStatus.EXPIRED: {OnboardingStatus.SUBMITTED},
    }

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="onboarding")
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(_("handed in at"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    good_until = models.DateField(_("good until"), null=True)

    objects = OnboardingQuerySet.as_manager()

    class Meta:
        verbose_name = _("onboarding")
        verbose_name_plural = _("onboardings")
        indexes = [models.Index(fields=["good_until"], condition=Q(status="verified"), name="onboarding_to_expire")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OnboardingStatus.values), name="onboarding_status_known"),
            models.CheckConstraint(condition=~Q(decided_by=F("submitted_by")), name="onboarding_decided_by_another"),
            models.CheckConstraint(
                condition=Q(status__in=[OnboardingStatus.APPLIED, OnboardingStatus.SUBMITTED])
                | Q(submitted_by__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="onboarding_decision_has_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(status=OnboardingStatus.VERIFIED) | Q(good_until__isnull=False),
                name="onboarding_verified_until_a_day",
            ),
        ]

    def __str__(self) -> str:
        return str(self.organization)


class DocumentKind(models.TextChoices):
    """What a provider hands in."""

    LICENCE = "licence", _("Business licence")
    SITE = "site", _("Proof of the right to use the site")
    PERMIT = "permit", _("Permit for data centre or cloud services")
    OTHER = "other", _("Other")


NEEDED = (DocumentKind.LICENCE, DocumentKind.SITE)
"""What must be there before an onboarding can be handed in."""


class OnboardingDocument(Entity):
    """A file that a provider handed in as evidence. Never changed, never deleted: a newer one stands beside it."""

    onboarding = models.ForeignKey(Onboarding, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=16, choices=DocumentKind)
    name = models.CharField(_("name"), max_length=120)
    file = models.FileField(upload_to=hidden_place, max_length=120)
    media_type = models.CharField(_("media type"), max_length=40)
    size = models.PositiveIntegerField(_("bytes"))
    sha256 = models.CharField(_("digest"), max_length=64)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded at"))

    class Meta:
        verbose_name = _("document of a provider")
        verbose_name_plural = _("documents of providers")
        constraints = [
            models.UniqueConstraint(fields=["onboarding", "kind", "sha256"], name="onboarding_document_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="onboarding_document_kind_known"),
        ]
