"""A firm's request for a grant, and where it stands on its way from a draft to a voucher."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from ledger.models import Hold
from vouchers.models.application_round import Round
from vouchers.models.grant import Grant
from vouchers.models.programme import Programme


class ApplicationStatus(models.TextChoices):
    """Where an application stands."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Handed in")
    DISTRICT_REVIEW = "district_review", _("District review")
    REVIEW_1 = "review_1", _("First review")
    REVIEW_2 = "review_2", _("Second review")
    PANEL = "panel", _("Scored by experts")
    SUPPLEMENT = "supplement", _("To be supplemented")
    WAITLISTED = "waitlisted", _("Passed, waiting for budget")
    PROPOSED = "proposed", _("Proposed for an award")
    PUBLICITY = "publicity", _("Publicity")
    OBJECTED = "objected", _("Objection under examination")
    APPROVED = "approved", _("Approved")
    GRANTED = "granted", _("Granted")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    LAPSED = "lapsed", _("Lapsed")


S = ApplicationStatus
REVIEWS = (S.DISTRICT_REVIEW, S.REVIEW_1, S.REVIEW_2, S.PANEL)
RESERVING = (S.PROPOSED, S.PUBLICITY, S.OBJECTED, S.APPROVED)
AWARDED = (*RESERVING, S.GRANTED)
OVER = (S.REJECTED, S.WITHDRAWN, S.LAPSED)
UNDECIDED = (S.SUBMITTED, *REVIEWS, S.WAITLISTED)
OPEN = (S.SUBMITTED, *REVIEWS, S.SUPPLEMENT, S.WAITLISTED)
PUBLIC = (S.PUBLICITY, S.OBJECTED, S.APPROVED, S.GRANTED)

_OUT = {S.REJECTED, S.WITHDRAWN}
_AFTER_REVIEW = {*REVIEWS, S.SUPPLEMENT, S.WAITLISTED, S.PROPOSED, *_OUT}


class ReasonCode(models.TextChoices):
    """Why an application is turned down."""

    NOT_ELIGIBLE = "not_eligible", _("The applicant is not eligible")
    NOT_COVERED = "not_covered", _("The service is not covered")
    EVIDENCE = "evidence", _("The evidence is not sufficient")
    UNTRUE = "untrue", _("What was stated is not true")
    DUPLICATE = "duplicate", _("The same was applied for or supported before")
    RELATED_PARTY = "related_party", _("Buyer and provider are related parties")
    OBJECTION = "objection", _("An objection was upheld")
    BELOW_MINIMUM = "below_minimum", _("The award would be below the minimum")
    OTHER = "other", _("Another reason")


class ApplicationQuerySet(EntityQuerySet["Application"]):
    """Applications by state, by whose they are, and by what they wait for."""

    def of_applicant(self, applicant: Organization) -> Self:
        return self.filter(applicant=applicant)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority).exclude(status=S.DRAFT)

    def visible_to(self, organization: Organization) -> Self:
        handed_in = Q(programme__authority=organization) & ~Q(status=S.DRAFT)
        return self.filter(Q(applicant=organization) | handed_in)

    def in_review(self) -> Self:
        return self.filter(status__in=REVIEWS)

    def waiting(self) -> Self:
        return self.filter(status=S.WAITLISTED)

    def overdue(self, at: datetime) -> Self:
        return self.filter(status__in=REVIEWS, due_at__lte=at)

    def late(self, at: datetime) -> Self:
        """Keep those on which the authority had to decide by now."""
        return self.filter(status__in=UNDECIDED, decided_at=None, decide_by__lte=at)

    def due_to_lapse(self, at: datetime) -> Self:
        return self.filter(status=S.SUPPLEMENT, supplement_until__lte=at)

    def to_approve(self, at: datetime) -> Self:
        """Keep those whose publicity is over, or that need none."""
        over = Q(status=S.PUBLICITY, publicity_until__lte=at)
        return self.filter(over | Q(status=S.PROPOSED, round__publicity_days=0))

    def in_publicity(self, at: datetime) -> Self:
        return self.filter(status__in=[S.PUBLICITY, S.OBJECTED], publicity_from__lte=at)

    def published(self) -> Self:
        """Keep those that the public may see: in publicity, and awarded after it."""
        return self.filter(status__in=PUBLIC)


class Application(Entity, Stateful):
    """A request for a grant. Budget is reserved for it exactly while it is proposed, published or approved.

    ``cycle`` counts how often it was reviewed from the start: after an objection or an appeal it is reviewed anew.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        S.DRAFT: {S.SUBMITTED, S.WITHDRAWN},
        S.SUBMITTED: {*REVIEWS, S.WAITLISTED, S.PROPOSED, *_OUT},
        S.DISTRICT_REVIEW: _AFTER_REVIEW - {S.DISTRICT_REVIEW},
        S.REVIEW_1: _AFTER_REVIEW - {S.DISTRICT_REVIEW, S.REVIEW_1},
        S.REVIEW_2: _AFTER_REVIEW - {S.DISTRICT_REVIEW, S.REVIEW_1, S.REVIEW_2},
        S.PANEL: {S.SUPPLEMENT, S.WAITLISTED, S.PROPOSED, *_OUT},
        S.SUPPLEMENT: {*REVIEWS, S.LAPSED, S.WITHDRAWN},
        S.WAITLISTED: {S.PROPOSED, S.LAPSED, *_OUT},
        S.PROPOSED: {S.PUBLICITY, S.APPROVED, S.WAITLISTED, *_OUT},
        S.PUBLICITY: {S.OBJECTED, S.APPROVED, *_OUT},
        S.OBJECTED: {S.PUBLICITY, *REVIEWS, *_OUT},
        S.APPROVED: {S.GRANTED, *_OUT},
        S.GRANTED: set(),
        S.REJECTED: {*REVIEWS, S.WAITLISTED},
        S.WITHDRAWN: set(),
        S.LAPSED: set(),
    }

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="applications")
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="applications")
    applicant = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="applications")
    provider = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("provider")
    )
    district = models.CharField(_("district"), max_length=40, blank=True)
    purpose = models.CharField(_("what the compute is for"), max_length=2_000, blank=True)
    contract_no = models.CharField(_("contract number"), max_length=80, blank=True)
    contract_key = models.CharField(max_length=80, blank=True, editable=False)
    contract_once = models.BooleanField(default=False, editable=False)
    contract_signed_on = models.DateField(_("contract signed on"), null=True, blank=True)
    lines = models.JSONField(_("lines of the contract"), default=list, blank=True)
    facts = models.JSONField(_("what the applicant states of itself"), default=dict, blank=True)
    asked_fen = FenField(_("asked (fen)"), default=0)
    entitled_fen = FenField(_("entitled at most (fen)"), default=0, editable=False)
    explanation = models.JSONField(_("explanation"), null=True, editable=False)
    findings = models.JSONField(_("findings of the pre-check"), default=list, editable=False)
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    submitted_at = models.DateTimeField(_("handed in at"), null=True, editable=False)
    cycle = models.PositiveSmallIntegerField(default=1, editable=False)
    assignee = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("assigned to"), editable=False
    )
    due_at = models.DateTimeField(_("due at"), null=True, editable=False)
    decide_by = models.DateTimeField(_("to be decided before"), null=True, editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, editable=False)
    supplement_until = models.DateTimeField(_("to be supplemented until"), null=True, editable=False)
    supplement_stage = models.CharField(max_length=16, blank=True, editable=False)
    score = models.PositiveIntegerField(_("score (hundredths)"), null=True, editable=False)
    recommended_fen = FenField(_("recommended (fen)"), null=True, editable=False)
    place = models.PositiveIntegerField(_("place"), null=True, editable=False)
    reserved_fen = FenField(_("proposed (fen)"), default=0, editable=False)
    hold = models.ForeignKey(
        Hold, on_delete=models.PROTECT, null=True, related_name="+", editable=False, db_constraint=False
    )
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    proposed_at = models.DateTimeField(_("proposed at"), null=True, editable=False)
    publicity_from = models.DateTimeField(_("publicity from"), null=True, editable=False)
    publicity_until = models.DateTimeField(_("publicity until"), null=True, editable=False)
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    approved_at = models.DateTimeField(_("approved at"), null=True, editable=False)
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, null=True, related_name="application", editable=False)
    rejected_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    reason_code = models.CharField(_("reason"), max_length=16, choices=ReasonCode, blank=True, editable=False)
    reason = models.CharField(_("explanation of the reason"), max_length=1_000, blank=True, editable=False)
    appeal_until = models.DateTimeField(_("appeal until"), null=True, editable=False)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        indexes = [
            models.Index(fields=["applicant", "-created_at"], name="application_by_applicant"),
            models.Index(fields=["programme", "status", "due_at"], name="application_queue"),
            models.Index(fields=["round", "status", "submitted_at"], name="application_of_round"),
            models.Index(fields=["supplement_until"], condition=Q(status=S.SUPPLEMENT), name="application_to_lapse"),
        ]
        constraints = [
            UniqueConstraint(
                fields=["programme", "contract_key"],
                condition=Q(contract_once=True) & ~Q(contract_key="") & ~Q(status__in=[S.DRAFT, *OVER]),
                name="application_contract_once",
            ),
            models.CheckConstraint(condition=Q(status__in=S.values), name="application_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=[S.DRAFT, S.SUBMITTED, *REVIEWS, S.SUPPLEMENT], decided_at=None)
                | Q(status__in=[*AWARDED, S.REJECTED], decided_at__isnull=False)
                | Q(status__in=[S.WAITLISTED, S.WITHDRAWN, S.LAPSED]),
                name="application_decided_as_it_stands",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[S.DRAFT, S.WITHDRAWN]) | Q(asked_fen__gt=0), name="application_asks_for_value"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[S.DRAFT, S.WITHDRAWN])
                | Q(submitted_by__isnull=False, submitted_at__isnull=False),
                name="application_handed_in_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(status__in=AWARDED, reserved_fen__gt=0, hold__isnull=False, proposed_by__isnull=False)
                | (~Q(status__in=AWARDED) & Q(reserved_fen=0, hold__isnull=True)),
                name="application_reserves_while_proposed",
            ),
            models.CheckConstraint(
                condition=Q(reserved_fen__lte=F("asked_fen")), name="application_gets_no_more_than_asked"
            ),
            models.CheckConstraint(
                condition=Q(reserved_fen__lte=F("entitled_fen")), name="application_gets_no_more_than_entitled"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[S.PUBLICITY, S.OBJECTED])
                | Q(publicity_from__isnull=False, publicity_until__gt=F("publicity_from")),
                name="application_publicity_has_dates",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[S.APPROVED, S.GRANTED])
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="application_approved_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | (~Q(approved_by=F("proposed_by")) & ~Q(approved_by=F("submitted_by"))),
                name="application_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=~Q(status=S.GRANTED) | Q(grant__isnull=False), name="application_granted_has_its_grant"
            ),
            models.CheckConstraint(
                condition=~Q(status=S.SUPPLEMENT)
                | Q(supplement_until__isnull=False, supplement_stage__in=list(REVIEWS)),
                name="application_supplement_has_a_deadline",
            ),
            models.CheckConstraint(
                condition=~Q(status=S.REJECTED)
                | Q(rejected_by__isnull=False, reason_code__in=ReasonCode.values, appeal_until__isnull=False),
                name="application_rejected_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.applicant} · {self.round}"

    @property
    def editable(self) -> bool:
        """Whether the applicant may change it."""
        return self.status in (S.DRAFT, S.SUPPLEMENT)

    @property
    def withdrawable(self) -> bool:
        """Whether the applicant may withdraw it."""
        return S.WITHDRAWN in self.MOVES[self.status] and self.status != S.APPROVED

    @property
    def undecided_by(self) -> datetime | None:
        """Return before when the authority has to decide, while the case lies with it."""
        return self.decide_by if self.status in UNDECIDED and self.decided_at is None else None

    @property
    def contract_fen(self) -> int:
        """Return what the contract comes to, in fen."""
        return sum(line["amount_fen"] for line in self.lines)

    def appealable(self, at: datetime) -> bool:
        """Whether the applicant may appeal at this instant."""
        return self.status == S.REJECTED and self.appeal_until is not None and at < self.appeal_until
