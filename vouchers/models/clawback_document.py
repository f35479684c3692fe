"""Files of a clawback: what the officers hold against the debtor, and what the debtor holds against them."""

from django.db import models
from django.db.models import UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from vouchers.models.claim_evidence import KeptFile
from vouchers.models.clawback import Clawback, ClawbackAnswer


class ClawbackDocument(models.Model):
    """A file of one side of a case; the debtor's come with an answer. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="documents")
    answer = models.ForeignKey(ClawbackAnswer, on_delete=models.PROTECT, null=True, related_name="documents")
    name = models.CharField(_("name"), max_length=120)
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, related_name="+")
    handed_in_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    handed_in_at = models.DateTimeField(_("handed in at"))

    class Meta:
        verbose_name = _("document of a clawback")
        verbose_name_plural = _("documents of clawbacks")
        constraints = [
            UniqueConstraint(fields=["clawback", "answer", "file"], nulls_distinct=False, name="clawback_document_once")
        ]
