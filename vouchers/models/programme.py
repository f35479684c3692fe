"""An authority's rules and budget."""

from datetime import date
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.models.parameters import ParametersField
from vouchers.parameters.identity import Mode
from vouchers.rules import Terms, terms_of


class ProgrammeMode(models.TextChoices):
    """How a programme's money flows."""

    INSTANT_DEDUCT = Mode.INSTANT_DEDUCT.value, _("Deducted at checkout")
    GRANT_THEN_CLAIM = Mode.GRANT_THEN_CLAIM.value, _("Granted for a contract, claimed after paying")
    REIMBURSE = Mode.REIMBURSE.value, _("Reimbursed after use")


class ProgrammeStatus(models.TextChoices):
    """A programme is drafted by one person, published by another, perhaps paused, and closed in the end."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")


class ProgrammeQuerySet(EntityQuerySet["Programme"]):
    """Programmes by what may be done with them."""

    def published(self) -> Self:
        return self.filter(status=ProgrammeStatus.PUBLISHED)

    def granting(self, on: date) -> Self:
        return self.published().filter(opens_on__lte=on, closes_on__gt=on)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(authority=authority)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(published_at__isnull=False) | Q(authority=organization))


class Programme(Entity, Stateful):
    """The rules by which an authority pays a share of compute bills. Once published they change by versions only.

    ``parameters`` says all of them, as of the present ``version``; the columns beside it repeat what the database's own
    rules and lists need.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ProgrammeStatus.DRAFT: {ProgrammeStatus.PUBLISHED, ProgrammeStatus.CLOSED},
        ProgrammeStatus.PUBLISHED: {ProgrammeStatus.PAUSED, ProgrammeStatus.CLOSED},
        ProgrammeStatus.PAUSED: {ProgrammeStatus.PUBLISHED, ProgrammeStatus.CLOSED},
        ProgrammeStatus.CLOSED: set(),
    }

    authority = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="programmes")
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    mode = models.CharField(
        _("flow of money"), max_length=20, choices=ProgrammeMode.choices, default=ProgrammeMode.INSTANT_DEDUCT
    )
    budget_fen = FenField(_("budget (fen)"))
    ratio_bp = models.PositiveIntegerField(_("ratio (basis points)"))
    entity_year_cap_fen = FenField(_("cap per entity and year (fen)"), null=True, blank=True)
    order_cap_fen = FenField(_("cap per order (fen)"), null=True, blank=True)
    min_award_fen = FenField(_("smallest award per order (fen)"), default=0)
    min_grant_fen = FenField(_("smallest grant (fen)"), default=0)
    round_unit_fen = models.PositiveIntegerField(_("rounding unit (fen)"), default=1)
    partial_when_short = models.BooleanField(_("pays in part when short"), default=True)
    validity_days = models.PositiveIntegerField(_("validity (days)"))
    grace_days = models.PositiveIntegerField(_("grace for late metering (days)"), default=7)
    eligible_categories = ArrayField(models.CharField(max_length=16), verbose_name=_("eligible categories"))
    open_registry = models.BooleanField(_("every provider is eligible"), default=False)
    providers = models.ManyToManyField(Organization, related_name="+", blank=True, verbose_name=_("listed providers"))
    opens_on = models.DateField(_("opens on"))
    closes_on = models.DateField(_("closes on"))
    source = models.TextField(_("source"), blank=True)
    parameters = ParametersField(_("parameters"), editable=False)
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("drafted by"))
    published_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published at"), null=True)

    objects = ProgrammeQuerySet.as_manager()

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        constraints = [
            UniqueConstraint(fields=["code"], name="programme_code_once"),
            models.CheckConstraint(condition=Q(budget_fen__gt=0), name="programme_budget_positive"),
            models.CheckConstraint(condition=Q(ratio_bp__gt=0, ratio_bp__lte=10_000), name="programme_ratio_in_range"),
            models.CheckConstraint(
                condition=Q(entity_year_cap_fen=None) | Q(entity_year_cap_fen__gt=0), name="programme_year_cap_positive"
            ),
            models.CheckConstraint(
                condition=Q(order_cap_fen=None) | Q(order_cap_fen__gt=0), name="programme_order_cap_positive"
            ),
            models.CheckConstraint(condition=Q(min_award_fen__gte=0), name="programme_min_award_not_negative"),
            models.CheckConstraint(condition=Q(min_grant_fen__gte=0), name="programme_min_grant_not_negative"),
            models.CheckConstraint(condition=Q(round_unit_fen__gt=0), name="programme_round_unit_positive"),
            models.CheckConstraint(condition=Q(validity_days__gt=0), name="programme_validity_positive"),
            models.CheckConstraint(condition=Q(opens_on__lt=F("closes_on")), name="programme_closes_after_opening"),
            models.CheckConstraint(
                condition=Q(eligible_categories__len__gt=0), name="programme_has_eligible_categories"
            ),
            models.CheckConstraint(
                condition=Q(published_by=None) | ~Q(published_by=F("drafted_by")),
                name="programme_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[ProgrammeStatus.PUBLISHED, ProgrammeStatus.PAUSED])
                | Q(published_by__isnull=False, published_at__isnull=False),
                name="programme_published_by_someone",
            ),
            models.CheckConstraint(condition=Q(status__in=ProgrammeStatus.values), name="programme_status_known"),
            models.CheckConstraint(condition=Q(mode__in=ProgrammeMode.values), name="programme_mode_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def pays(self) -> bool:
        """Whether grants may be used: a pause stops them, a close only stops new ones."""
        return self.status in (ProgrammeStatus.PUBLISHED, ProgrammeStatus.CLOSED)

    @property
    def terms(self) -> Terms:
        """Return what decides an award under the present version; a grant has the terms of its own."""
        return terms_of(self.parameters, version=self.version)
