"""What an order asks of cards and places, besides their model, provider and category."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Row
from core.money import BP_WHOLE
from market.models.order import Order
from market.reference import places


class Ring(models.IntegerChoices):
    """How far a site may be from where the buyer is: by the latest probe between them, else by the map."""

    CITY = places.Ring.CITY.value, _("in the same city, or measured within 2 ms")
    REGION = places.Ring.REGION.value, _("in the same province or national hub, or measured within 10 ms")
    HUBS = places.Ring.HUBS.value, _("in any national hub from a home in one, or measured within 40 ms")


class OrderConditions(Row):
    """What all cards of an order have to be; an order without a row asks for nothing more than its model.

    What is not known of a card or a site does not meet a condition. All cards of an order run at one offering, so they
    stand at one site in any case.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="conditions")
    domestic = models.BooleanField(_("domestic cards only"), default=False)
    memory_gib = models.PositiveIntegerField(_("memory per card, at least (GiB)"), null=True)
    interconnect_gb_s = models.PositiveIntegerField(_("bandwidth between cards, at least (GB/s)"), null=True)
    pue_max_milli = models.PositiveIntegerField(_("PUE, at most (thousandths)"), null=True)
    green_min_bp = models.PositiveIntegerField(_("share of green power, at least (basis points)"), null=True)
    reliability_min_bp = models.PositiveIntegerField(_("reliability, at least (basis points)"), null=True)
    home_province = models.CharField(_("home province"), max_length=40, blank=True)
    home_city = models.CharField(_("home city"), max_length=40, blank=True)
    ring_max = models.PositiveSmallIntegerField(_("at most so far from home"), choices=Ring, null=True)

    class Meta:
        verbose_name = _("conditions of an order")
        verbose_name_plural = _("conditions of orders")
        constraints = [
            models.CheckConstraint(
                condition=Q(domestic=True)
                | Q(memory_gib__isnull=False)
                | Q(interconnect_gb_s__isnull=False)
                | Q(pue_max_milli__isnull=False)
                | Q(green_min_bp__isnull=False)
                | Q(reliability_min_bp__isnull=False)
                | Q(ring_max__isnull=False),
                name="order_conditions_ask_something",
            ),
            models.CheckConstraint(
                condition=Q(memory_gib=None) | Q(memory_gib__gt=0), name="order_conditions_memory_positive"
            ),
            models.CheckConstraint(
                condition=Q(interconnect_gb_s=None) | Q(interconnect_gb_s__gt=0),
                name="order_conditions_interconnect_positive",
            ),
            models.CheckConstraint(
                condition=Q(pue_max_milli=None) | Q(pue_max_milli__gte=1_000, pue_max_milli__lte=5_000),
                name="order_conditions_pue_possible",
            ),
            models.CheckConstraint(
                condition=Q(green_min_bp=None) | Q(green_min_bp__gt=0, green_min_bp__lte=BP_WHOLE),
                name="order_conditions_green_a_share",
            ),
            models.CheckConstraint(
                condition=Q(reliability_min_bp=None) | Q(reliability_min_bp__gt=0, reliability_min_bp__lte=BP_WHOLE),
                name="order_conditions_reliability_a_share",
            ),
            models.CheckConstraint(
                condition=Q(ring_max=None, home_province="", home_city="")
                | (Q(ring_max__isnull=False, ring_max__in=Ring.values) & ~Q(home_province="") & ~Q(home_city="")),
                name="order_conditions_ring_around_a_home",
            ),
        ]
