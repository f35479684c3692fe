"""Capacity held for an order."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OrganizationKind
from core.fields import MicroField
from core.models import Entity, Stateful
from core.periods import HOUR
from market.models.hours import duration
from market.models.match import Match
from market.models.moves import StatefulQuerySet
from market.models.offering import Handover, Offering
from market.models.order import Order
from market.models.stops import StopCode


class ReservationStatus(models.TextChoices):
    """Capacity is held, handed over and used, until its time is over or something ends it before."""

    HELD = "held", _("Held")
    PROVISIONING = "provisioning", _("Being prepared")
    ACTIVE = "active", _("Active")
    ENDED = "ended", _("Ended")
    INTERRUPTED = "interrupted", _("Interrupted")
    FAILED = "failed", _("Failed")
    RELEASED = "released", _("Released")


WAITING = (ReservationStatus.HELD, ReservationStatus.PROVISIONING)
LIVE = (*WAITING, ReservationStatus.ACTIVE)
SERVED = (ReservationStatus.ENDED, ReservationStatus.INTERRUPTED)
OVER = (*SERVED, ReservationStatus.FAILED, ReservationStatus.RELEASED)


MINUTE = timedelta(minutes=1)


class ReservationQuerySet(StatefulQuerySet["Reservation"]):
    """Reservations by state and by who may see them."""

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def due_to_start(self, at: datetime) -> Self:
        by_clock = Q(status=ReservationStatus.HELD, handover=Handover.CLOCK)
        ready = Q(status=ReservationStatus.PROVISIONING, access_at__isnull=False)
        return self.filter(by_clock | ready, starts_at__lte=at)

    def not_handed_over(self, started_before: datetime) -> Self:
        promised = Q(status=ReservationStatus.HELD, handover=Handover.REPORTED)
        begun = Q(status=ReservationStatus.PROVISIONING, access_at=None)
        return self.filter(promised | begun, starts_at__lte=started_before)

    def due_to_end(self, at: datetime) -> Self:
        return self.filter(status=ReservationStatus.ACTIVE, ends_at__lte=at)

    def reclaimable(self) -> Self:
        """Keep those that give way to firm orders."""
        return self.live().filter(reclaim_minutes__isnull=False)

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider)

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(order__buyer=buyer)

    def visible_to(self, organization: Organization) -> Self:
        """Ask for one side of it: only buyers buy, and a question for either is answered by reading everybody's."""
        side = "order__buyer" if organization.kind == OrganizationKind.BUYER else "provider"
        return self.filter(**{side: organization})


class Reservation(Entity, Stateful):
    """Cards of an offering held for an order over [starts_at, ends_at), at the price agreed in the match.

    It could be used from ``access_at`` and was over at ``stopped_at``, never after ``ends_at``. One with
    ``reclaim_minutes`` gives way to firm orders: a reclaim brings ``ends_at`` forward, but not nearer than that. A
    trigger copies ``notice_hours`` from the offering: what giving hours back costs does not change with the listing.
    """

    MOVES = {
        ReservationStatus.HELD: {
            ReservationStatus.PROVISIONING,
            ReservationStatus.ACTIVE,
            ReservationStatus.FAILED,
            ReservationStatus.RELEASED,
        },
        ReservationStatus.PROVISIONING: {
            ReservationStatus.ACTIVE,
            ReservationStatus.FAILED,
            ReservationStatus.RELEASED,
        },
        ReservationStatus.ACTIVE: {
            ReservationStatus.ENDED,
            ReservationStatus.INTERRUPTED,
            ReservationStatus.FAILED,
        },
        ReservationStatus.ENDED: set(),
        ReservationStatus.INTERRUPTED: set(),
        ReservationStatus.FAILED: set(),
        ReservationStatus.RELEASED: set(),
    }

    match = models.OneToOneField(Match, on_delete=models.PROTECT, related_name="reservation")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="reservations")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="reservations")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="reservations")
    count = models.PositiveIntegerField(_("cards"))
    given_back = models.PositiveIntegerField(_("cards given back"), default=0, editable=False, db_default=0)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    handover = models.CharField(
        _("handover"), max_length=16, choices=Handover, default=Handover.CLOCK, db_default=Handover.CLOCK.value
    )
    notice_hours = models.PositiveIntegerField(_("notice of the listing (hours)"), editable=False, db_default=0)
    access_at = models.DateTimeField(_("usable from"), null=True)
    confirmed_at = models.DateTimeField(_("access confirmed at"), null=True)
    stopped_at = models.DateTimeField(_("over at"), null=True)
    reclaim_minutes = models.PositiveIntegerField(_("notice of a reclaim (minutes)"), null=True)
    reclaimed_at = models.DateTimeField(_("reclaim announced at"), null=True)
    stop_code = models.CharField(_("reason"), max_length=24, choices=StopCode, blank=True, default="", db_default="")

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        indexes = [
            models.Index(fields=["provider", "starts_at"], name="reservation_by_provider"),
            models.Index(fields=["starts_at"], condition=Q(status=ReservationStatus.HELD), name="reservation_to_start"),
            models.Index(
                fields=["starts_at"],
                condition=Q(status=ReservationStatus.PROVISIONING),
                name="reservation_to_hand_over",
            ),
            models.Index(fields=["ends_at"], condition=Q(status=ReservationStatus.ACTIVE), name="reservation_to_end"),
            models.Index(fields=["stopped_at"], condition=Q(stopped_at__isnull=False), name="reservation_stopped"),
            models.Index(
                fields=["ends_at"],
                condition=Q(reclaim_minutes__isnull=False, status__in=LIVE),
                name="reservation_reclaimable",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="reservation_count_positive"),
            models.CheckConstraint(
                condition=Q(given_back__gte=0, given_back__lt=F("count")), name="reservation_keeps_a_card"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="reservation_not_empty"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="reservation_price_positive"),
            models.CheckConstraint(condition=Q(status__in=ReservationStatus.values), name="reservation_status_known"),
            models.CheckConstraint(condition=Q(handover__in=Handover.values), name="reservation_handover_known"),
            models.CheckConstraint(
                condition=Q(status__in=OVER, stopped_at__isnull=False, stop_code__in=StopCode.values)
                | ~Q(status__in=OVER) & Q(stopped_at=None, stop_code=""),
                name="reservation_over_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[ReservationStatus.ACTIVE, *SERVED]) | Q(access_at__isnull=False),
                name="reservation_used_has_access",
            ),
            models.CheckConstraint(
                condition=Q(access_at=None) | Q(access_at__gte=F("starts_at")), name="reservation_access_after_start"
            ),
            models.CheckConstraint(
                condition=Q(reclaimed_at=None)
                | Q(
                    GreaterThanOrEqual(
                        F("ends_at"),
                        ExpressionWrapper(
                            F("reclaimed_at") + duration(F("reclaim_minutes") * Value(MINUTE)), models.DateTimeField()
                        ),
                    ),
                    reclaim_minutes__isnull=False,
                ),
                name="reservation_reclaimed_with_notice",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None) | Q(stopped_at__lte=F("ends_at")), name="reservation_stops_by_its_end"
            ),
        ]

    @property
    def cards(self) -> int:
        """Return how many cards are held in the hours to come: those that were matched, less what was given back."""
        return self.count - self.given_back

    @property
    def hours(self) -> int:
        """Return for how many hours the cards are held."""
        return (self.ends_at - self.starts_at) // HOUR

    @property
    def bid_micro(self) -> int:
        """Return the most that the order pays for a card in an hour here."""
        return int(self.order.limit_micro) if self.order.tflops is None else self.order.limit_micro // self.count

    @property
    def is_ready(self) -> bool:
        """Whether it can be used from its start on without another word of its provider (as ``due_to_start`` says)."""
        by_clock = self.status == ReservationStatus.HELD and self.handover == Handover.CLOCK
        return by_clock or (self.status == ReservationStatus.PROVISIONING and self.access_at is not None)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be used."""
        return self.status in OVER
