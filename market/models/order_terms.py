"""How long an order stands before it is given up, and in how many parts it may be served."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class TimeInForce(models.TextChoices):
    """When an order that nothing matches is given up."""

    WINDOW = "window", _("When it can no longer start")
    IMMEDIATE = "immediate-or-cancel", _("At the first clearing that does not match it")
    UNTIL = "good-till-time", _("At a time of your own")


FIRST_CLEARING_WITHIN = timedelta(minutes=10)
"""How long an order waits for the one clearing that it stands for: call auctions are held every five minutes."""


def no_longer_stands(at: datetime) -> Q:
    """Return which open orders are given up at an instant by their own time, or because no clearing came to them."""
    unreached = Q(time_in_force=TimeInForce.IMMEDIATE, placed_at__lte=at - FIRST_CLEARING_WITHIN)
    return unreached | Q(good_till__isnull=False, good_till__lte=at)


class Standing(models.Model):
    """How long an order stands; ``good_till`` is the first instant at which it no longer does."""

    time_in_force = models.CharField(
        _("time in force"),
        max_length=20,
        choices=TimeInForce,
        default=TimeInForce.WINDOW,
        db_default=TimeInForce.WINDOW.value,
    )
    good_till = models.DateTimeField(_("good till"), null=True, blank=True)

    class Meta:
        abstract = True


MOST_PARTS = 20


class Splitting(models.Model):
    """Whether an order may be served in parts: at most ``parts_max``, each of at least ``part_cards`` × ``part_hours``.

    With ``all_or_none`` nothing is served unless all of it is, at once.
    """

    parts_max = models.PositiveSmallIntegerField(_("parts, at most"), default=1, db_default=1)
    part_cards = models.PositiveIntegerField(_("cards of a part, at least"), null=True)
    part_hours = models.PositiveIntegerField(_("hours of a part, at least"), null=True)
    all_or_none = models.BooleanField(_("all or none"), default=False, db_default=False)

    class Meta:
        abstract = True

    @property
    def is_split(self) -> bool:
        """Whether several offerings, or several times, may serve the order."""
        return self.parts_max > 1


def splitting_constraints() -> list[models.BaseConstraint]:
    """Return what PostgreSQL keeps of it: only orders of a number of cards are split, a part fits into the whole.

    The auction divides an order by its cards: each part runs for all hours, and two of them fit at least.
    """
    whole = Q(parts_max=1, part_cards=None, part_hours=None, all_or_none=False)
    parted = Q(parts_max__gt=1, parts_max__lte=MOST_PARTS, part_cards__gt=0, part_hours__gt=0, tflops=None)
    named = Q(part_cards__isnull=False, part_hours__isnull=False)
    fits = Q(part_cards__lte=F("count"), part_hours__lte=F("hours"))
    by_cards = Q(kind="auction", part_hours=F("hours"), part_cards__lte=F("count") / 2)
    return [
        models.CheckConstraint(condition=whole | parted & named & fits, name="order_parts_make_sense"),
        models.CheckConstraint(condition=whole | Q(kind="instant") | by_cards, name="order_parts_are_firm"),
    ]


def standing_constraints() -> list[models.BaseConstraint]:
    """Return what PostgreSQL keeps of it: a time exactly where the order has one, after it was placed."""
    until = Q(time_in_force=TimeInForce.UNTIL)
    return [
        models.CheckConstraint(condition=Q(time_in_force__in=TimeInForce.values), name="order_time_in_force_known"),
        models.CheckConstraint(
            condition=until & Q(good_till__isnull=False) | ~until & Q(good_till=None), name="order_good_till_has_time"
        ),
        models.CheckConstraint(
            condition=Q(good_till=None) | Q(good_till__gt=F("placed_at"), good_till__lte=F("start_max")),
            name="order_good_till_within_its_life",
        ),
    ]
