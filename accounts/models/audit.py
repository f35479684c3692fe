"""What was done: audit entries, answered requests and the runs of periodic jobs."""

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models.keys import ApiKey
from accounts.models.people import Organization, User
from core.models import Row


class AuditEntry(Row):
    """Who did what to which object, with its state before and after. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("actor"),
    )
    actor_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("organisation"),
    )
    verb = models.CharField(_("verb"), max_length=60)
    object_type = models.CharField(_("object type"), max_length=60)
    object_id = models.CharField(_("object"), max_length=60)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_entry_object"),
            models.Index(fields=["organization", "-id"], name="audit_entry_organization"),
        ]


class IdempotentRequest(Row):
    """The answer given to an ``Idempotency-Key``, written in the transaction of its effect."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    endpoint = models.CharField(max_length=200)
    body_sha256 = models.BinaryField(max_length=32)
    response_status = models.PositiveSmallIntegerField()
    response_body = models.BinaryField()
    response_type = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("idempotent request")
        verbose_name_plural = _("idempotent requests")
        constraints = [
            UniqueConstraint(fields=["organization", "key"], name="idempotent_request_once"),
            models.CheckConstraint(condition=~Q(key=""), name="idempotent_request_key_given"),
        ]


class JobRun(Row):
    """The latest period for which a periodic job was claimed: one row a job, so two schedulers do no harm."""

    job = models.CharField(primary_key=True, max_length=80)
    period_start = models.DateTimeField()

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
