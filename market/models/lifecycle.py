"""What happened to reservations: every step, how to get in, and the times in which the cards could not be used."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Organization, OrganizationKind, User
from core.models import Entity, EntityQuerySet, Row, Stateful
from market.models.moves import StatefulQuerySet
from market.models.reservation import Reservation, ReservationStatus
from market.models.stops import DowntimeCode


class EventKind(models.TextChoices):
    """A step in the life of a reservation."""

    CLAIMED = "claimed", _("Preparation began")
    ACCESS = "access", _("Access was reported")
    STARTED = "started", _("Use began")
    CONFIRMED = "confirmed", _("The buyer confirmed access")
    EXTENDED = "extended", _("Extended")
    SHORTENED = "shortened", _("Shortened")
    RETURNED = "returned", _("Cards given back")
    RECLAIMED = "reclaimed", _("Reclaim announced")
    STOPPED = "stopped", _("Over")


class ReservationEvent(Row):
    """One step of a reservation: who, when, from which state to which, why. Never changed, never deleted.

    Who is empty where the platform acted by the clock.
    """

    id = models.BigAutoField(primary_key=True)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("step"), max_length=16, choices=EventKind)
    old_status = models.CharField(_("from"), max_length=16, choices=ReservationStatus)
    new_status = models.CharField(_("to"), max_length=16, choices=ReservationStatus)
    code = models.CharField(_("reason"), max_length=24, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("reservation event")
        verbose_name_plural = _("reservation events")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="reservation_event_kind_known")
        ]


class ReservationAccess(Row):
    """How the buyer gets in, sealed with a key that is not in the database; erased when the reservation is over."""

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, primary_key=True, related_name="access")
    sealed = models.BinaryField()
    reported_at = models.DateTimeField(_("reported at"))

    class Meta:
        verbose_name = _("access details")
        verbose_name_plural = _("access details")


class DowntimeStatus(models.TextChoices):
    """A provider's own report counts at once; a buyer's is answered, and decided by the operator if need be."""

    CLAIMED = "claimed", _("Waits for the provider's answer")
    ACCEPTED = "accepted", _("Accepted")
    CONTESTED = "contested", _("Contested, the operator decides")
    DISMISSED = "dismissed", _("Dismissed")


class DowntimeQuerySet(StatefulQuerySet["Downtime"]):
    """Downtimes by state and by who may see them."""

    def unanswered(self, claimed_before: datetime) -> Self:
        return self.filter(status=DowntimeStatus.CLAIMED, reported_at__lte=claimed_before)

    def visible_to(self, organization: Organization) -> Self:
        side = "order__buyer" if organization.kind == OrganizationKind.BUYER else "provider"
        return self.filter(**{f"reservation__{side}": organization})


class Downtime(Entity, Stateful):
    """A part [starts_at, ends_at) of a reservation in which its cards could not be used, as one of its parties says."""

    MOVES = {
        DowntimeStatus.CLAIMED: {DowntimeStatus.ACCEPTED, DowntimeStatus.CONTESTED},
        DowntimeStatus.CONTESTED: {DowntimeStatus.ACCEPTED, DowntimeStatus.DISMISSED},
        DowntimeStatus.ACCEPTED: set(),
        DowntimeStatus.DISMISSED: set(),
    }

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="downtimes")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    code = models.CharField(_("reason"), max_length=16, choices=DowntimeCode)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    reported_by = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(_("reported at"))
    answer = models.CharField(_("the provider's answer"), max_length=500, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    decision = models.CharField(_("the operator's decision"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = DowntimeQuerySet.as_manager()

    class Meta:
        verbose_name = _("downtime")
        verbose_name_plural = _("downtimes")
        indexes = [
            models.Index(fields=["reported_at"], condition=Q(status=DowntimeStatus.CLAIMED), name="downtime_unanswered")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="downtime_not_empty"),
            models.CheckConstraint(condition=Q(status__in=DowntimeStatus.values), name="downtime_status_known"),
            models.CheckConstraint(condition=Q(code__in=DowntimeCode.values), name="downtime_code_known"),
            models.CheckConstraint(
                condition=~Q(status=DowntimeStatus.CONTESTED) | Q(answered_at__isnull=False) & ~Q(answer=""),
                name="downtime_contested_has_answer",
            ),
            models.CheckConstraint(
                condition=~Q(status=DowntimeStatus.DISMISSED) | Q(decided_at__isnull=False) & ~Q(decision=""),
                name="downtime_dismissed_has_decision",
            ),
        ]


class Review(Entity):
    """What a buyer who used a reservation says about it, once; the provider may answer once.

    The operator may hide the text with a reason; the stars go with it.
    """

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="review")
    offering = models.ForeignKey("market.Offering", on_delete=models.PROTECT, related_name="reviews")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    stars = models.PositiveSmallIntegerField(_("stars"))
    text = models.CharField(_("text"), max_length=2000, blank=True)
    written_at = models.DateTimeField(_("written at"))
    answer = models.CharField(_("the provider's answer"), max_length=2000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    hidden_at = models.DateTimeField(_("hidden at"), null=True)
    hidden_reason = models.CharField(_("hidden because"), max_length=300, blank=True)

    objects = EntityQuerySet["Review"].as_manager()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        indexes = [models.Index(fields=["offering", "-written_at"], name="review_by_offering")]
        constraints = [
            models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="review_stars_in_range"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None) | ~Q(answer="") & Q(answered_at__isnull=False),
                name="review_answer_has_time",
            ),
            models.CheckConstraint(
                condition=Q(hidden_reason="", hidden_at=None) | ~Q(hidden_reason="") & Q(hidden_at__isnull=False),
                name="review_hidden_has_reason",
            ),
        ]
