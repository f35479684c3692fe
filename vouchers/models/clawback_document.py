"""Files of a clawback: what the officers hold against the debtor, and what the debtor holds against them."""

from typing import Self

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import Row
from vouchers.models.claim_evidence import KeptFile
from vouchers.models.clawback import Clawback, ClawbackAnswer


class ClawbackDocumentQuerySet(models.QuerySet["ClawbackDocument"]):
    """Files by whose they are and who sees them."""

    def of_the_officers(self) -> Self:
        return self.filter(answer=None)

    def shown_to_the_debtor(self) -> Self:
        """Keep the debtor's own, and from the notice on what is held against it and not withheld."""
        return self.filter(~Q(answer=None) | Q(withheld_because="", clawback__notified_at__isnull=False))


class ClawbackDocument(Row):
    """A file of one side of a case; the debtor's come with an answer. Never changed, never deleted.

    What the officers add is shown to the debtor from the notice on, unless they withhold it and say why: it names other
    people, or other firms' secrets.
    """

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="documents")
    answer = models.ForeignKey(ClawbackAnswer, on_delete=models.PROTECT, null=True, related_name="documents")
    name = models.CharField(_("name"), max_length=120)
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, related_name="+")
    handed_in_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    handed_in_at = models.DateTimeField(_("handed in at"))
    withheld_because = models.CharField(_("withheld from the debtor because"), max_length=300, blank=True, default="")

    objects = ClawbackDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document of a clawback")
        verbose_name_plural = _("documents of clawbacks")
        constraints = [
            UniqueConstraint(
                fields=["clawback", "answer", "file"], nulls_distinct=False, name="clawback_document_once"
            ),
            models.CheckConstraint(
                condition=Q(answer=None) | Q(withheld_because=""),
                name="clawback_document_withholds_officers_files_only",
            ),
        ]
