"""Capacity held for an order."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import MicroField
from core.models import Entity, Stateful
from market.models.match import Match
from market.models.moves import StatefulQuerySet
from market.models.offering import Offering
from market.models.order import Order


class ReservationStatus(models.TextChoices):
    """Capacity is held, then used, then over; or released before its start."""

    HELD = "held", _("Held")
    ACTIVE = "active", _("Active")
    ENDED = "ended", _("Ended")
    RELEASED = "released", _("Released")


class ReservationQuerySet(StatefulQuerySet["Reservation"]):
    """Reservations by state and by who may see them."""

    def due_to_start(self, at: datetime) -> Self:
        return self.filter(status=ReservationStatus.HELD, starts_at__lte=at)

    def due_to_end(self, at: datetime) -> Self:
        return self.filter(status=ReservationStatus.ACTIVE, ends_at__lte=at)

    def of_provider(self, provider: Organization) -> Self:
        return self.filter(provider=provider)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(provider=organization) | Q(order__buyer=organization))


class Reservation(Entity, Stateful):
    """Cards of an offering held for an order over [starts_at, ends_at), at the price agreed in the match."""

    MOVES = {
        ReservationStatus.HELD: {ReservationStatus.ACTIVE, ReservationStatus.RELEASED},
        ReservationStatus.ACTIVE: {ReservationStatus.ENDED},
        ReservationStatus.ENDED: set(),
        ReservationStatus.RELEASED: set(),
    }

    match = models.OneToOneField(Match, on_delete=models.PROTECT, related_name="reservation")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="reservation")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="reservations")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="reservations")
    count = models.PositiveIntegerField(_("cards"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        indexes = [
            models.Index(fields=["provider", "starts_at"], name="reservation_by_provider"),
            models.Index(fields=["starts_at"], condition=Q(status=ReservationStatus.HELD), name="reservation_to_start"),
            models.Index(fields=["ends_at"], condition=Q(status=ReservationStatus.ACTIVE), name="reservation_to_end"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="reservation_count_positive"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="reservation_not_empty"),
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="reservation_price_positive"),
            models.CheckConstraint(condition=Q(status__in=ReservationStatus.values), name="reservation_status_known"),
        ]
