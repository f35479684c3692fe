"""How long an order stands before it is given up."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class TimeInForce(models.TextChoices):
    """When an order that nothing matches is given up."""

    WINDOW = "window", _("When it can no longer start")
    IMMEDIATE = "immediate-or-cancel", _("At the first clearing that does not match it")
    UNTIL = "good-till-time", _("At a time of your own")


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
