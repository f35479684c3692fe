"""What happened to an application: files, reviews, objections, appeals and steps. Facts are never changed."""

from typing import Self

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row
from vouchers.models.application import REVIEWS, Application, ReasonCode
from vouchers.models.application_round import Evidence


class ApplicationDocument(Entity):
    """A file handed in as evidence, kept by its content's hash; the commitment to it may stand in public."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=16, choices=Evidence)
    name = models.CharField(_("name"), max_length=120)
    place = models.CharField(max_length=120)
    media_type = models.CharField(_("media type"), max_length=80)
    size = models.PositiveIntegerField(_("bytes"))
    sha256 = models.CharField(_("digest"), max_length=64)
    salt = models.BinaryField()
    commitment = models.CharField(_("commitment"), max_length=64)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta:
        verbose_name = _("document of an application")
        verbose_name_plural = _("documents of applications")
        constraints = [
            UniqueConstraint(
                fields=["application", "kind", "sha256"],
                condition=Q(withdrawn_at=None),
                name="application_document_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=Evidence.values), name="application_document_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Verdict(models.TextChoices):
    """What a reviewer decided."""

    PASS = "pass", _("Passed")
    REJECT = "reject", _("Rejected")


class Review(Row):
    """One person's verdict at one stage, who declared to have no interest in it. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="reviews")
    cycle = models.PositiveSmallIntegerField()
    stage = models.CharField(_("stage"), max_length=16)
    seat = models.PositiveSmallIntegerField(default=1)
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("reviewer"))
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    score = models.PositiveSmallIntegerField(_("score"), null=True)
    amount_fen = FenField(_("recommended (fen)"), null=True)
    reason_code = models.CharField(_("reason"), max_length=16, choices=ReasonCode, blank=True)
    reason = models.CharField(_("opinion"), max_length=1_000, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed at"))

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            UniqueConstraint(fields=["application", "cycle", "reviewer"], name="review_once_a_person"),
            UniqueConstraint(fields=["application", "cycle", "stage", "seat"], name="review_once_a_stage"),
            models.CheckConstraint(condition=Q(stage__in=list(REVIEWS)), name="review_stage_known"),
            models.CheckConstraint(condition=Q(score=None) | Q(score__lte=100), name="review_score_up_to_100"),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.REJECT) | ~Q(reason=""), name="review_rejects_with_a_reason"
            ),
        ]


class Step(Row):
    """One step of an application, as its timeline tells it; ``note`` is for the applicant. Never changed."""

    id = models.BigAutoField(primary_key=True)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="steps")
    status = models.CharField(_("state"), max_length=16)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_applicant = models.BooleanField(default=False)
    note = models.CharField(_("note"), max_length=1_000, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of an application")
        verbose_name_plural = _("steps of applications")
        indexes = [models.Index(fields=["application", "id"], name="step_of_application")]


class ObjectionQuerySet(EntityQuerySet["Objection"]):
    """Objections by whether they are decided."""

    def undecided(self) -> Self:
        return self.filter(decided_at=None)


class Objection(Entity):
    """What somebody says against an award in its publicity. Who they are is for those who decide only."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="objections")
    name = models.CharField(_("name"), max_length=80)
    contact = models.CharField(_("phone or mail"), max_length=120)
    text = models.CharField(_("objection"), max_length=2_000)
    raised_at = models.DateTimeField(_("raised at"))
    upheld = models.BooleanField(_("upheld"), null=True)
    answer = models.CharField(_("answer"), max_length=1_000, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_at=None, upheld=None, decided_by=None)
                | (Q(decided_at__isnull=False, upheld__isnull=False, decided_by__isnull=False) & ~Q(answer="")),
                name="objection_decided_with_an_answer",
            ),
        ]


class Appeal(Entity):
    """What an applicant says against a rejection. Whoever rejected does not decide it."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="appeals")
    cycle = models.PositiveSmallIntegerField()
    text = models.CharField(_("appeal"), max_length=2_000)
    raised_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(_("raised at"))
    against = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    upheld = models.BooleanField(_("upheld"), null=True)
    answer = models.CharField(_("answer"), max_length=1_000, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            UniqueConstraint(fields=["application", "cycle"], name="appeal_once_a_rejection"),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | (~Q(decided_by=models.F("against")) & ~Q(decided_by=models.F("raised_by"))),
                name="appeal_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, upheld=None, decided_by=None)
                | (Q(decided_at__isnull=False, upheld__isnull=False, decided_by__isnull=False) & ~Q(answer="")),
                name="appeal_decided_with_an_answer",
            ),
        ]
