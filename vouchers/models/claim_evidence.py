"""Files kept by what is in them: the digest is the name, so nothing kept can become something else."""

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.models import Row
from vouchers.models.claim import Claim
from vouchers.models.claim_line import ClaimLine


class KeptFile(Row):
    """The bytes of a file under their SHA-256. Never changed, never deleted."""

    sha256 = models.CharField(_("digest"), max_length=64, primary_key=True)
    media_type = models.CharField(_("media type"), max_length=100)
    content = models.BinaryField(_("content"))
    kept_at = models.DateTimeField(_("kept at"))

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")


class PackKind(models.TextChoices):
    """The same evidence for machines and for people."""

    JSON = "json", "JSON"
    PDF = "pdf", "PDF"


class EvidencePack(Row):
    """What the platform itself can prove of a claim, made once when it was assembled. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="packs")
    kind = models.CharField(_("kind"), max_length=4, choices=PackKind)
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("evidence pack")
        verbose_name_plural = _("evidence packs")
        constraints = [
            UniqueConstraint(fields=["claim", "kind"], name="evidence_pack_once"),
            models.CheckConstraint(condition=Q(kind__in=PackKind.values), name="evidence_pack_kind_known"),
        ]


class DocumentKind(models.TextChoices):
    """What a file that a claimant hands in shows."""

    CONTRACT = "contract", _("Contract")
    INVOICE = "invoice", _("Invoice")
    PAYMENT = "payment", _("Proof of payment")
    USAGE = "usage", _("Proof of usage")
    DELIVERY = "delivery", _("Acceptance of delivery")
    LETTER = "letter", _("Letter of commitment")
    OTHER = "other", _("Something else")


class ClaimDocument(Row):
    """A file that a claimant handed in for a claim, or for one of its lines. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="documents")
    line = models.ForeignKey(ClaimLine, on_delete=models.PROTECT, null=True, related_name="documents")
    kind = models.CharField(_("kind"), max_length=16, choices=DocumentKind)
    name = models.CharField(_("name"), max_length=120)
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, related_name="+")
    handed_in_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    handed_in_at = models.DateTimeField(_("handed in at"))

    class Meta:
        verbose_name = _("document of a claim")
        verbose_name_plural = _("documents of claims")
        constraints = [
            UniqueConstraint(fields=["claim", "kind", "file"], name="claim_document_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="claim_document_kind_known"),
        ]
