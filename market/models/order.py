"""A buyer's demand."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OrganizationKind
from core.fields import MicroField
from core.models import Entity, Stateful
from market.models.catalogue import Accelerator
from market.models.figure import RATES, Metric
from market.models.moves import StatefulQuerySet
from market.models.offering import Category
from market.models.order_terms import (
    Splitting,
    Standing,
    TimeInForce,
    no_longer_stands,
    splitting_constraints,
    standing_constraints,
)

if TYPE_CHECKING:
    from market.models.match import Match
    from market.models.reservation import Reservation


class OrderStatus(models.TextChoices):
    """An order waits, is matched and served, or ends without service."""

    OPEN = "open", _("Waiting for a match")
    MATCHED = "matched", _("Matched")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Not matched in time")
    FAILED = "failed", _("Matched but not served")


class OrderKind(models.TextChoices):
    """An instant order takes the first offering that fits; the auction clears its orders together.

    Both are firm, as is a block of months that is bought from a listing. An interruptible one runs at an offering's
    floor on cards that no firm order wants, until one does.
    """

    INSTANT = "instant", _("At once, first come first served")
    AUCTION = "auction", _("In the next call auction")
    INTERRUPTIBLE = "interruptible", _("Interruptible, up to your bid")
    BLOCK = "block", _("Reserved block, by the month")


PLACED_KINDS = [choice for choice in OrderKind.choices if choice[0] != OrderKind.BLOCK]
"""What may be chosen when an order is placed; a block is bought from a listing."""


class UnmatchedReason(models.TextChoices):
    """Why the last batch found nothing for an order."""

    NO_MODEL = "no-model", _("No offering of an acceptable model")
    NO_PROVIDER = "no-provider", _("No offering of an accepted provider")
    NO_CATEGORY = "no-category", _("No offering for this kind of work")
    CONSENT = "consent", _("The terms of service of every offering wait for your consent")
    LOT = "lot", _("No offering sells this many cards or hours in one order")
    TFLOPS = "tflops", _("No offering of a model with a figure at this precision")
    REFUSED = "refused", _("Only refused providers have what would fit")
    NOT_DOMESTIC = "no-domestic", _("Only cards that are not domestic would fit")
    MEMORY = "memory", _("No offering that would fit has so much memory per card")
    INTERCONNECT = "interconnect", _("No offering that would fit has so much bandwidth between cards")
    PUE = "pue", _("No offering that would fit has a certified PUE as low")
    GREEN = "green", _("No offering that would fit has a certified share of green power as large")
    RELIABILITY = "reliability", _("No offering that would fit is as reliable")
    RING = "ring", _("No offering that would fit is so near")
    WINDOW = "window", _("No offering is open over the window")
    PRICE_GAP = "price-gap", _("Every offering costs more than the limit")
    CAPACITY = "capacity", _("Not enough cards are free in the window")
    OUTRANKED = "outranked", _("Other orders were worth more per card-hour")
    PARTS = "parts", _("The parts that are free do not add up to the whole order")
    SITE = "site", _("Nothing that would fit stands at the site of your reservation")


PRECISIONS = [(rate, Metric(rate).label) for rate in RATES]


class OrderQuerySet(StatefulQuerySet["Order"]):
    """Orders by state and by who may see them."""

    def open(self) -> Self:
        return self.filter(status=OrderStatus.OPEN)

    def for_auction(self) -> Self:
        return self.filter(kind=OrderKind.AUCTION)

    def interruptible(self) -> Self:
        return self.filter(kind=OrderKind.INTERRUPTIBLE)

    def instant(self) -> Self:
        return self.filter(kind=OrderKind.INSTANT)

    def overdue(self, at: datetime) -> Self:
        return self.open().filter(Q(start_max__lt=at) | no_longer_stands(at))

    def standing(self, at: datetime) -> Self:
        return self.open().exclude(no_longer_stands(at))

    def immediate(self) -> Self:
        return self.filter(time_in_force=TimeInForce.IMMEDIATE)

    def finished(self) -> Self:
        return self.filter(status__in=[status for status, moves in Order.MOVES.items() if not moves])

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(buyer=buyer)

    def visible_to(self, organization: Organization) -> Self:
        if organization.kind == OrganizationKind.BUYER:
            return self.filter(buyer=organization)
        served = self.model._default_manager.filter(matches__offering__provider=organization)
        return self.filter(pk__in=served.values("pk"))


class Order(Entity, Stateful, Standing, Splitting):
    """Cards × hours inside a start window, of acceptable card models, at a limit price; all cards at one offering.

    One that may be split is served by several matches, each with a reservation, and stays open until it has got all
    or is given up; whatever it has got by then makes it matched.

    An order by performance asks for ``tflops`` at a ``precision`` instead of a count: how many cards that takes depends
    on the model, ``count`` is the fewest that would do when it was placed, and its limit is for all its cards in an
    hour. Whether a voucher pays ``by_voucher`` is all that the market knows of money.
    """

    MOVES = {
        OrderStatus.OPEN: {OrderStatus.MATCHED, OrderStatus.CANCELLED, OrderStatus.EXPIRED},
        OrderStatus.MATCHED: {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.FAILED},
        OrderStatus.COMPLETED: set(),
        OrderStatus.CANCELLED: set(),
        OrderStatus.EXPIRED: set(),
        OrderStatus.FAILED: set(),
    }

    by_voucher = models.BooleanField(_("paid with a voucher"), default=False, db_default=False)
    sequence = models.BigIntegerField(
        _("sequence"), unique=True, editable=False, db_default=Func(Value("market_order_sequence"), function="nextval")
    )
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="orders")
    kind = models.CharField(_("kind"), max_length=16, choices=OrderKind, default=OrderKind.INSTANT)
    name = models.CharField(_("name"), max_length=120, blank=True)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    accelerators = models.ManyToManyField(Accelerator, related_name="+", verbose_name=_("acceptable models"))
    providers = models.ManyToManyField(Organization, related_name="+", blank=True, verbose_name=_("providers"))
    refused = models.ManyToManyField(Organization, related_name="+", blank=True, verbose_name=_("refused providers"))
    count = models.PositiveIntegerField(_("cards"))
    tflops = models.PositiveIntegerField(_("required TFLOPS"), null=True)
    precision = models.CharField(_("precision"), max_length=8, choices=PRECISIONS, blank=True)
    hours = models.PositiveIntegerField(_("hours"))
    start_min = models.DateTimeField(_("earliest start"))
    start_max = models.DateTimeField(_("latest start"))
    limit_micro = MicroField(_("limit per card-hour (micro-yuan)"))
    beside = models.ForeignKey(
        "market.Reservation", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("at the site of")
    )
    placed_at = models.DateTimeField(_("placed at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True)
    unmatched_reason = models.CharField(max_length=16, choices=UnmatchedReason, blank=True)
    unmatched_detail = models.JSONField(default=dict)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(fields=["buyer", "-placed_at"], name="order_by_buyer"),
            models.Index(fields=["sequence"], condition=Q(status=OrderStatus.OPEN), name="order_open"),
        ]
        constraints = [
            *standing_constraints(),
            *splitting_constraints(),
            models.CheckConstraint(condition=Q(count__gt=0), name="order_count_positive"),
            models.CheckConstraint(condition=Q(hours__gt=0), name="order_hours_positive"),
            models.CheckConstraint(
                condition=Q(tflops=None, precision="") | Q(tflops__isnull=False, tflops__gt=0, precision__in=RATES),
                name="order_tflops_at_a_precision",
            ),
            models.CheckConstraint(condition=Q(limit_micro__gt=0), name="order_limit_positive"),
            models.CheckConstraint(condition=Q(start_min__lte=F("start_max")), name="order_window_forward"),
            models.CheckConstraint(
                condition=Q(status=OrderStatus.CANCELLED, cancelled_at__isnull=False)
                | ~Q(status=OrderStatus.CANCELLED) & Q(cancelled_at=None),
                name="order_cancelled_has_time",
            ),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_known"),
            models.CheckConstraint(condition=Q(kind__in=OrderKind.values), name="order_kind_known"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="order_category_known"),
            models.CheckConstraint(
                condition=Q(unmatched_reason__in=["", *UnmatchedReason.values]), name="order_unmatched_reason_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def match(self) -> "Match | None":
        """Return the first match of the order, which is the only one unless it is split."""
        return min(self.matches.all(), key=lambda match: match.part, default=None)

    @property
    def parts_in_order(self) -> "list[Reservation]":
        """Return the reservations of the order, the first part first."""
        return sorted(self.reservations.all(), key=lambda reservation: reservation.pk)

    @property
    def reservation(self) -> "Reservation | None":
        """Return the first reservation of the order, which is the only one unless it is split."""
        return next(iter(self.parts_in_order), None)
