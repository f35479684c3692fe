"""The transparency log: movements as they happen, entries in one gapless order, and what was published about them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.fields import FenField
from core.models import Row


class Movement(Row):
    """A movement of voucher value that waits to be logged. Triggers on the ledger write it in its own transaction.

    It has no index: a hold writes it while others wait. It leaves for the log and nowhere else.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=16)
    source_id = models.BigIntegerField(_("hold or transfer"))
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")


class Algorithm(models.TextChoices):
    """The hash of a log, chosen when it is opened."""

    SHA256 = "sha256", "SHA-256"
    SM3 = "sm3", "SM3"


class Log(models.Model):
    """The head of one log: its hash, how many entries it has, and the roots of its perfect subtrees."""

    algorithm = models.CharField(_("hash"), max_length=8, choices=Algorithm.choices)
    origin = models.CharField(_("origin"), max_length=120)
    size = models.BigIntegerField(_("entries"), default=0)
    peaks = ArrayField(models.BinaryField(), verbose_name=_("peaks"), default=list)

    class Meta:
        verbose_name = _("log")
        verbose_name_plural = _("logs")
        constraints = [
            UniqueConstraint(fields=["algorithm"], name="log_algorithm_once"),
            UniqueConstraint(fields=["origin"], name="log_origin_once"),
            models.CheckConstraint(condition=Q(algorithm__in=Algorithm.values), name="log_algorithm_known"),
        ]

    def __str__(self) -> str:
        return self.origin


class LogEntry(models.Model):
    """One entry: canonical bytes at their place in a log. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="entries", db_index=False)
    seq = models.BigIntegerField(_("place"))
    kind = models.CharField(_("kind"), max_length=16)
    movement_id = models.BigIntegerField(_("movement"), null=True)
    grant_id = models.UUIDField(_("grant"), null=True)
    redemption_id = models.UUIDField(_("redemption"), null=True)
    claim_id = models.UUIDField(_("claim"), null=True)
    payload = models.BinaryField(_("payload"))
    leaf_hash = models.BinaryField(_("leaf hash"))
    logged_at = models.DateTimeField(_("logged at"))

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("log entries")
        indexes = [
            models.Index(fields=["grant_id"], condition=Q(grant_id__isnull=False), name="log_entry_by_grant"),
            models.Index(
                fields=["redemption_id"], condition=Q(redemption_id__isnull=False), name="log_entry_by_redemption"
            ),
            models.Index(fields=["claim_id"], condition=Q(claim_id__isnull=False), name="log_entry_by_claim"),
            models.Index(fields=["log", "seq"], condition=Q(kind="key"), name="log_entry_of_keys"),
        ]
        constraints = [
            UniqueConstraint(fields=["log", "seq"], name="log_entry_place_once"),
            UniqueConstraint(fields=["movement_id", "log"], name="log_entry_movement_once"),
            models.CheckConstraint(condition=Q(seq__gte=0), name="log_entry_place_from_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class LogNode(Row):
    """The root of a perfect subtree of 256 entries or more. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.SmallIntegerField()
    place = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        constraints = [UniqueConstraint(fields=["log", "level", "place"], name="log_node_once")]


class Checkpoint(models.Model):
    """A signed statement of a log's size and root. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="checkpoints", db_index=False)
    size = models.BigIntegerField(_("entries"))
    root = models.BinaryField(_("root"))
    note = models.TextField(_("signed note"))
    signed_at = models.DateTimeField(_("signed at"))

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        constraints = [UniqueConstraint(fields=["log", "size"], name="checkpoint_size_once")]

    def __str__(self) -> str:
        return f"{self.size}"


class Witness(models.Model):
    """Someone outside who checks each checkpoint against the last one they saw, and cosigns it with their own key."""

    name = models.CharField(_("name"), max_length=120)
    public_key = models.CharField(_("public key"), max_length=240)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        verbose_name = _("witness")
        verbose_name_plural = _("witnesses")
        constraints = [UniqueConstraint(fields=["name"], name="witness_name_once")]

    def __str__(self) -> str:
        return self.name


class Cosignature(Row):
    """A witness' signature on a checkpoint. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, on_delete=models.PROTECT, related_name="cosignatures")
    line = models.CharField(_("signature line"), max_length=400)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("cosignature")
        verbose_name_plural = _("cosignatures")
        constraints = [UniqueConstraint(fields=["checkpoint", "witness"], name="cosignature_once")]


class Commitment(Row):
    """The salt behind a commitment of the log. Deleting it makes the commitment unreadable for good."""

    id = models.BigAutoField(primary_key=True)
    subject_id = models.UUIDField(_("subject"))
    salt = models.BinaryField(_("salt"))
    digest = models.CharField(_("commitment"), max_length=64)

    class Meta:
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        constraints = [UniqueConstraint(fields=["subject_id"], name="commitment_subject_once")]
