"""What was really used: signed, immutable intervals, and the hours metered from them."""

from datetime import timedelta
from typing import Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, UniqueConstraint, Value
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, SigningKey
from core.models import EntityQuerySet, Row
from market.models.hours import duration, hour_after
from market.models.reservation import Reservation

MILLISECOND = timedelta(milliseconds=1)


class UsageBatch(Row):
    """One signed report of a provider, and what became of its events. Never changed, never deleted.

    The events that were accepted are the usage of the batch; ``not_accepted`` holds the answers to all others by their
    places in it.

    Provider and key are written without foreign key checks, like the usage below: they are read in the same request,
    and every report of a provider would lock its one row.
    """

    id = models.BigAutoField(primary_key=True)
    provider = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="usage_batches", db_constraint=False, db_index=False
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=255)
    body_sha256 = models.BinaryField(max_length=32)
    signing_key = models.ForeignKey(
        SigningKey, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    signed_at = models.DateTimeField(_("signed at"))
    signature = models.BinaryField(max_length=64)
    received_at = models.DateTimeField(_("received at"))
    accepted = models.PositiveIntegerField(_("accepted"))
    duplicates = models.PositiveIntegerField(_("duplicates"))
    conflicts = models.PositiveIntegerField(_("conflicts"))
    rejected = models.PositiveIntegerField(_("rejected"))
    not_accepted = models.JSONField(_("not accepted"), default=dict)

    class Meta:
        verbose_name = _("usage batch")
        verbose_name_plural = _("usage batches")
        indexes = [models.Index(fields=["provider", "-id"], name="usage_batch_by_provider")]
        constraints = [UniqueConstraint(fields=["provider", "idempotency_key"], name="usage_batch_once")]


class Usage(Row):
    """An interval of accelerators used on a reservation, as its provider signed it. Never changed, never deleted.

    The reservation is written without a foreign key: its check would cost the hot path a row lock for every event.
    Reservations are never deleted, so a trigger looks once a statement that the provider has them
    (``usage_of_a_reservation``).
    """

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(
        UsageBatch, on_delete=models.PROTECT, related_name="usage", db_constraint=False, db_index=False
    )
    provider = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    event_id = models.CharField(_("event"), max_length=120)
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="usage", db_constraint=False, db_index=False
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    accelerators = models.PositiveIntegerField(_("cards"))
    accelerator_ms = models.PositiveBigIntegerField(_("accelerator-milliseconds"))
    body_sha256 = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        indexes = [
            models.Index(fields=["reservation", "starts_at"], name="usage_by_reservation"),
            # Batches come one after the other, so that an index of ranges finds theirs at next to no cost.
            BrinIndex(fields=["batch"], name="usage_by_batch", pages_per_range=32, autosummarize=True),
        ]
        constraints = [
            UniqueConstraint(fields=["provider", "event_id"], name="usage_event_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="usage_not_empty"),
            models.CheckConstraint(condition=Q(accelerators__gt=0), name="usage_accelerators_positive"),
            models.CheckConstraint(condition=Q(ends_at__lte=hour_after("starts_at")), name="usage_within_an_hour"),
            models.CheckConstraint(
                condition=Exact(
                    duration(F("accelerator_ms") * Value(MILLISECOND)),
                    duration(F("accelerators") * (F("ends_at") - F("starts_at"))),
                ),
                name="usage_amount_fits_interval",
            ),
        ]


class UsageConflict(Row):
    """A second, different event under an id that was already used: frozen for review, never billed."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(UsageBatch, on_delete=models.PROTECT, related_name="frozen")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    event_id = models.CharField(_("event"), max_length=120)
    event = models.JSONField(_("event as sent"))

    class Meta:
        verbose_name = _("usage conflict")
        verbose_name_plural = _("usage conflicts")


class MeteredHourQuerySet(EntityQuerySet["MeteredHour"]):
    """Hours by whether they wait for the meter."""

    def dirty(self) -> Self:
        return self.filter(dirty=True)


class MeteredHour(Row):
    """What a reservation used in one clock hour: recomputed from its usage, never incremented.

    ``version`` grows each time the total changes, so that each change is charged exactly once. No usage of the hour
    ends after ``reported_until``: a report that begins there needs no look at the earlier ones.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="metered_hours", db_constraint=False, db_index=False
    )
    hour = models.DateTimeField(_("hour"))
    accelerator_ms = models.PositiveBigIntegerField(_("accelerator-milliseconds"), default=0, db_default=0)
    version = models.PositiveIntegerField(_("version"), default=0, db_default=0)
    dirty = models.BooleanField(_("dirty"), default=True, db_default=True)
    reported_until = models.DateTimeField(_("reported until"))
    metered_at = models.DateTimeField(_("metered at"), null=True)

    objects = MeteredHourQuerySet.as_manager()

    class Meta:
        verbose_name = _("metered hour")
        verbose_name_plural = _("metered hours")
        indexes = [models.Index(fields=["id"], condition=Q(dirty=True), name="metered_hour_dirty")]
        constraints = [UniqueConstraint(fields=["reservation", "hour"], name="metered_hour_once")]
