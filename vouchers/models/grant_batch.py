"""Many grants proposed at once from a sheet, and a grant issued anew to the firm into which its owner was merged."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful
from vouchers.models.grant import Grant
from vouchers.models.programme import Programme


class GrantBatch(Entity):
    """A sheet from which grants were proposed, once. Never changed, never deleted."""

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="batches")
    name = models.CharField(_("name"), max_length=120)
    sha256 = models.CharField(_("digest"), max_length=64)
    rows = models.PositiveIntegerField(_("rows"))
    total_fen = FenField(_("total (fen)"))
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        verbose_name = _("batch of grants")
        verbose_name_plural = _("batches of grants")
        constraints = [UniqueConstraint(fields=["programme", "sha256"], name="grant_batch_sheet_once")]

    def __str__(self) -> str:
        return self.name


class GrantBatchRow(Row):
    """One row of a sheet and the grant that it proposed. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(GrantBatch, on_delete=models.PROTECT, related_name="lines")
    line = models.PositiveIntegerField(_("line"))
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="batch_row")
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["batch", "line"], name="grant_batch_line_once")]


class ReissueStatus(models.TextChoices):
    """A re-issue is proposed by one person, and approved or turned down by another."""

    PROPOSED = "proposed", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class Reissue(Entity, Stateful):
    """A grant passes to the successor of its owner, with what is left of it and its first expiry."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ReissueStatus.PROPOSED: {ReissueStatus.APPROVED, ReissueStatus.REJECTED},
        ReissueStatus.APPROVED: set(),
        ReissueStatus.REJECTED: set(),
    }

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="reissues")
    successor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=500)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    issued = models.OneToOneField(Grant, on_delete=models.PROTECT, null=True, related_name="reissued_from")

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("re-issue of a grant")
        verbose_name_plural = _("re-issues of grants")
        constraints = [
            UniqueConstraint(fields=["grant"], condition=~Q(status="rejected"), name="reissue_once_a_grant"),
            models.CheckConstraint(condition=~Q(reason=""), name="reissue_has_a_reason"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="reissue_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status=ReissueStatus.PROPOSED, decided_by=None, issued=None)
                | Q(status=ReissueStatus.APPROVED, decided_by__isnull=False, issued__isnull=False)
                | Q(status=ReissueStatus.REJECTED, decided_by__isnull=False, issued=None),
                name="reissue_decided_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grant} → {self.successor}"
