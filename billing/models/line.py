"""Lines beside the card-hour that buyers take with reservations: what they set aside, and why a charge is for one."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.funding import Funding
from core.fields import FenField, MicroField
from core.models import Entity, Row, Stateful
from ledger.models import Hold
from market.line_pricing import MOST_QUANTITY
from market.models import LineKind, LineUnit, Reservation
from market.models.moves import StatefulQuerySet


class TakenLineStatus(models.TextChoices):
    """A line runs with its reservation, and is settled once all that is owed for it is charged."""

    RUNNING = "running", _("Running")
    SETTLED = "settled", _("Over and charged")


class TakenLineQuerySet(StatefulQuerySet["TakenLine"]):
    """Taken lines by state."""

    def running(self) -> Self:
        return self.filter(status=TakenLineStatus.RUNNING)


class TakenLine(Entity, Stateful):
    """A quantity of a line over [starts_at, ends_at) of a reservation, at a price that is fixed.

    All that it can cost is set aside in cash. Giving it up, or giving back the hours it is for, ends it at
    ``stopped_at``; up to ``charged_until`` it has been charged. Extending the reservation takes it again, for the hours
    that are added.
    """

    MOVES = {TakenLineStatus.RUNNING: {TakenLineStatus.SETTLED}, TakenLineStatus.SETTLED: set()}

    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="lines")
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="taken_lines")
    kind = models.CharField(_("kind"), max_length=16, choices=LineKind)
    name = models.CharField(_("name"), max_length=80)
    unit = models.CharField(_("unit"), max_length=16, choices=LineUnit)
    quantity = models.PositiveIntegerField(_("quantity"))
    price_micro = MicroField(_("price per unit (micro-yuan)"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    estimate_fen = FenField(_("set aside (fen)"))
    wallet_hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(_("taken at"))
    given_up_at = models.DateTimeField(_("given up at"), null=True)
    stopped_at = models.DateTimeField(_("over at"), null=True)
    charged_until = models.DateTimeField(_("charged until"))

    objects = TakenLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("line taken with a reservation")
        verbose_name_plural = _("lines taken with reservations")
        indexes = [models.Index(fields=["charged_until"], condition=Q(status="running"), name="taken_line_running")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TakenLineStatus.values), name="taken_line_status_known"),
            models.CheckConstraint(condition=Q(kind__in=LineKind.values), name="taken_line_kind_known"),
            models.CheckConstraint(condition=Q(unit__in=LineUnit.values), name="taken_line_unit_known"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MOST_QUANTITY, price_micro__gte=0),
                name="taken_line_of_some_quantity",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="taken_line_not_empty"),
            models.CheckConstraint(
                condition=Q(estimate_fen=0, wallet_hold=None) | Q(estimate_fen__gt=0, wallet_hold__isnull=False),
                name="taken_line_is_set_aside",
            ),
            models.CheckConstraint(
                condition=Q(charged_until__gte=F("starts_at"), charged_until__lte=F("ends_at")),
                name="taken_line_charged_within_its_hours",
            ),
            models.CheckConstraint(
                condition=Q(given_up_at=None) | Q(stopped_at__isnull=False), name="taken_line_given_up_is_over"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None) | Q(stopped_at__gte=F("starts_at"), stopped_at__lte=F("ends_at")),
                name="taken_line_stops_within_its_hours",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LineCharge(Row):
    """Why a charge is for a line: over which full hours, or that it takes back what nothing was served for."""

    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, primary_key=True, related_name="line_charge")
    line = models.ForeignKey(TakenLine, on_delete=models.PROTECT, related_name="charges")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("charge for a line")
        verbose_name_plural = _("charges for lines")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="line_charge_for_some_hours"),
        ]
