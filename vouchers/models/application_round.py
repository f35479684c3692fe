"""The windows in which a programme takes applications, each with the procedure that its applications go through."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.allocation import Method
from vouchers.models.programme import Programme, ProgrammeStatus

METHODS = [
    (Method.FIRST_COME.value, _("First come, first served")),
    (Method.BATCH.value, _("All that qualify, in the order of arrival")),
    (Method.RANKED.value, _("Ranked by score")),
    (Method.PRO_RATA.value, _("Shared in proportion")),
    (Method.LOTTERY.value, _("Drawn by lot")),
    (Method.EXEMPT.value, _("From a list, without application")),
]


class Evidence(models.TextChoices):
    """What an applicant hands in."""

    CONTRACT = "contract", _("Contract")
    COMMITMENT = "commitment", _("Letter of commitment")
    LICENCE = "licence", _("Business licence")
    PLAN = "plan", _("Plan of use")
    INVOICE = "invoice", _("Invoice")
    PAYMENT = "payment", _("Proof of payment")
    USAGE = "usage", _("Proof of use")
    DELIVERY = "delivery", _("Acceptance of delivery")
    FILING = "filing", _("Filing of the model")
    ELECTRICITY = "electricity", _("Proof of electricity used")
    NON_DUPLICATION = "non_duplication", _("Statement of no other support")
    NON_RELATED = "non_related", _("Statement of no related party")
    OTHER = "other", _("Other")


class RoundStatus(models.TextChoices):
    """A round is drafted by one person, opened by another, closed when its window is over, and then allocated."""

    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    ALLOCATED = "allocated", _("Allocated")


class TimeRange(Func):
    """The half-open range between two instants, for the constraint that windows do not overlap."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class RoundQuerySet(EntityQuerySet["Round"]):
    """Rounds by what may be done in them."""

    def taking(self, at: datetime) -> Self:
        """Keep those in whose window an application may be handed in now."""
        window = Q(opens_at__lte=at, closes_at__gt=at, status=RoundStatus.OPEN)
        return self.filter(window, programme__status=ProgrammeStatus.PUBLISHED).exclude(method=Method.EXEMPT)

    def due_to_close(self, at: datetime) -> Self:
        return self.filter(status=RoundStatus.OPEN, closes_at__lte=at)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(~Q(status=RoundStatus.DRAFT) | Q(programme__authority=organization))


class Round(Entity, Stateful):
    """A window of a programme and its procedure, fixed once it is open. ``committed_fen`` is kept by triggers."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        RoundStatus.DRAFT: {RoundStatus.OPEN},
        RoundStatus.OPEN: {RoundStatus.CLOSED},
        RoundStatus.CLOSED: {RoundStatus.ALLOCATED},
        RoundStatus.ALLOCATED: set(),
    }

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="rounds")
    name = models.CharField(_("name"), max_length=120)
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"))
    method = models.CharField(_("method of allocation"), max_length=16, choices=METHODS)
    budget_fen = FenField(_("budget of the round (fen)"), null=True, blank=True)
    committed_fen = FenField(_("committed (fen)"), default=0, editable=False)
    most_fen = FenField(_("largest award (fen)"), null=True, blank=True)
    per_applicant = models.PositiveSmallIntegerField(_("applications per firm"), null=True, blank=True)
    once_per_contract = models.BooleanField(_("each contract once"), default=True)
    partly = models.BooleanField(_("awards in part when short"), default=False)
    required_evidence = ArrayField(
        models.CharField(max_length=16, choices=Evidence), verbose_name=_("required evidence"), default=list
    )
    district_review = models.BooleanField(_("districts review first"), default=False)
    reviewers = models.PositiveSmallIntegerField(_("reviewers"), default=1)
    panel_size = models.PositiveSmallIntegerField(_("experts who score"), default=0)
    review_days = models.PositiveSmallIntegerField(_("days for each review"), default=5)
    supplement_days = models.PositiveSmallIntegerField(_("days to supplement"), default=5)
    publicity_days = models.PositiveSmallIntegerField(_("days of publicity"), default=5)
    appeal_days = models.PositiveSmallIntegerField(_("days to appeal"), default=10)
    seed_commitment = models.CharField(_("commitment to the seed"), max_length=64, blank=True)
    seed = models.CharField(_("seed"), max_length=120, blank=True, editable=False)
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("drafted by"))
    opened_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("opened by"), editable=False
    )
    opened_at = models.DateTimeField(_("opened at"), null=True, editable=False)
    allocated_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    allocated_at = models.DateTimeField(_("allocated at"), null=True, editable=False)

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("application round")
        verbose_name_plural = _("application rounds")
        indexes = [models.Index(fields=["closes_at"], condition=Q(status="open"), name="round_to_close")]
        constraints = [
            UniqueConstraint(fields=["programme", "name"], name="round_name_once"),
            ExclusionConstraint(
                name="round_windows_do_not_overlap",
                expressions=[
                    ("programme", RangeOperators.EQUAL),
                    (TimeRange("opens_at", "closes_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="round_window_not_empty"),
            models.CheckConstraint(condition=Q(method__in=[one.value for one in Method]), name="round_method_known"),
            models.CheckConstraint(condition=Q(budget_fen=None) | Q(budget_fen__gt=0), name="round_budget_positive"),
            models.CheckConstraint(
                condition=Q(committed_fen__gte=0) & (Q(budget_fen=None) | Q(committed_fen__lte=F("budget_fen"))),
                name="round_within_budget",
            ),
            models.CheckConstraint(condition=Q(most_fen=None) | Q(most_fen__gt=0), name="round_largest_award_positive"),
            models.CheckConstraint(condition=Q(reviewers__lte=2), name="round_at_most_two_reviewers"),
            models.CheckConstraint(condition=Q(panel_size__lte=15), name="round_panel_not_too_large"),
            models.CheckConstraint(condition=~Q(method="ranked") | Q(panel_size__gt=0), name="round_ranks_by_scores"),
            models.CheckConstraint(
                condition=~Q(method="lottery") | ~Q(seed_commitment=""), name="round_lottery_commits_to_its_seed"
            ),
            models.CheckConstraint(
                condition=Q(opened_by=None) | ~Q(opened_by=F("drafted_by")), name="round_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status=RoundStatus.DRAFT) | Q(opened_by__isnull=False, opened_at__isnull=False),
                name="round_opened_by_someone",
            ),
            models.CheckConstraint(condition=Q(status__in=RoundStatus.values), name="round_status_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def takes(self, at: datetime) -> bool:
        """Whether an application may be handed in at this instant."""
        return self.status == RoundStatus.OPEN and self.opens_at <= at < self.closes_at and self.method != Method.EXEMPT
