"""Every version of a programme's parameters, as two people agreed on it."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.db.models.fields.json import KT
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import EntityQuerySet, Stateful
from vouchers.models.parameters import ParametersField
from vouchers.models.programme import Programme
from vouchers.parameters import Parameters
from vouchers.parameters.redemption import CutoffBasis
from vouchers.rules import Terms, terms_of


class VersionStatus(models.TextChoices):
    """A version is drafted by one person and published by another, or dropped."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    DROPPED = "dropped", _("Dropped")


def limits(parameters: Parameters) -> dict[str, Any]:
    """Return the columns of a version by which every redemption under it is judged."""
    caps = parameters.caps
    return {
        "ratio_bp": parameters.award.ceiling_bp,
        "order_cap_fen": caps.order_cap_fen,
        "lifetime_cap_fen": caps.entity_lifetime_cap_fen,
        "group_cap_fen": caps.entity_annual_cap_fen if caps.group_counts_together else None,
        "combined_group": caps.combined.group if caps.combined else "",
        "combined_cap_fen": caps.combined.annual_cap_fen if caps.combined else None,
        "provider_share_bp": caps.provider_share_bp,
        "funders": len(parameters.money.funders),
        "price_filing": terms_of(parameters).price_filing,
    }


class VersionQuerySet(EntityQuerySet["ProgrammeVersion"]):
    """Versions by who may see them."""

    def published(self) -> Self:
        return self.filter(status=VersionStatus.PUBLISHED)

    def cutting_captures(self) -> Self:
        """Return versions under which a capture, not usage, has to come before the expiry."""
        basis = KT("parameters__validity__usage_cutoff_basis")
        return self.published().annotate(basis=basis).filter(basis=CutoffBasis.CAPTURE_TIME.value)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(status=VersionStatus.PUBLISHED) | Q(programme__authority=organization))


class ProgrammeVersion(Stateful):
    """The parameters of a programme from one publication to the next. Never changed, never deleted.

    Number 1 is what the programme was published with. A grant keeps the version under which it was approved.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        VersionStatus.DRAFT: {VersionStatus.PUBLISHED, VersionStatus.DROPPED},
        VersionStatus.PUBLISHED: set(),
        VersionStatus.DROPPED: set(),
    }

    id = models.BigAutoField(primary_key=True)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    supersedes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    parameters = ParametersField(_("parameters"), editable=False)
    ratio_bp = models.PositiveIntegerField(_("ratio (basis points)"))
    order_cap_fen = FenField(_("cap per order (fen)"), null=True)
    lifetime_cap_fen = FenField(_("cap over all years (fen)"), null=True)
    group_cap_fen = FenField(_("cap of firms of one controller (fen)"), null=True)
    combined_group = models.CharField(_("programmes that share a cap"), max_length=40, blank=True, default="")
    combined_cap_fen = FenField(_("cap that programmes share (fen)"), null=True)
    provider_share_bp = models.PositiveIntegerField(_("largest share of one provider (basis points)"), null=True)
    funders = models.PositiveSmallIntegerField(_("funders"), default=0)
    price_filing = models.BooleanField(_("prices are filed"), db_default=False)
    reason = models.TextField(_("reason"), blank=True)
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("drafted by"))
    drafted_at = models.DateTimeField(_("drafted at"))
    published_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published at"), null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a programme")
        verbose_name_plural = _("versions of programmes")
        constraints = [
            UniqueConstraint(
                fields=["programme", "number"], condition=~Q(status=VersionStatus.DROPPED), name="version_number_once"
            ),
            UniqueConstraint(
                fields=["programme"], condition=Q(status=VersionStatus.DRAFT), name="version_one_draft_at_a_time"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_number_from_one"),
            models.CheckConstraint(condition=Q(number=1) | Q(supersedes__isnull=False), name="version_supersedes_one"),
            models.CheckConstraint(
                condition=Q(published_by=None) | ~Q(published_by=F("drafted_by")),
                name="version_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status=VersionStatus.PUBLISHED, published_by__isnull=False, published_at__isnull=False)
                | Q(status__in=[VersionStatus.DRAFT, VersionStatus.DROPPED], published_by=None, published_at=None),
                name="version_published_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme.code} · {self.number}"

    @property
    def shares_caps(self) -> bool:
        """Whether counters of several years, firms or programmes share a cap."""
        return any(cap is not None for cap in (self.lifetime_cap_fen, self.group_cap_fen, self.combined_cap_fen))

    @property
    def terms(self) -> Terms:
        """Return what decides an award under this version."""
        return terms_of(self.parameters, version=self.number)
