"""What the cards of an offering are worth, and what a standard card-hour of it costs."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, ExpressionWrapper, F, FilteredRelation, Q, Value, When
from django.db.models.functions import Coalesce

from market import measure
from market.measure import WHOLE_PPM
from market.models import SCENARIO_OF, Category, MeasureStatus, Offering, Scenario, StandardMeasure
from market.models.offering import OfferingQuerySet

LAST = 2**63 - 1
"""Where offerings without a price per standard card-hour are sorted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands beside a price: the price per standard card-hour, or why there is none."""

    scenario: Scenario
    status: MeasureStatus
    price_micro: int | None = None
    ppm: int | None = None
    missing: tuple[str, ...] = ()


def standing(offering: Offering) -> Standing:
    """Return how an offering compares in the scenario of its category; ``with_measures`` saves the query."""
    scenario = SCENARIO_OF[Category(offering.category)]
    found = offering.__dict__ if "sch_status" in offering.__dict__ else _fetched(offering, scenario)
    if found["sch_status"] is None:
        return Standing(scenario, MeasureStatus.NOT_COMPARABLE)
    ppm = found["sch_ppm"]
    price_micro = None if ppm is None else measure.price_micro(card_hour_micro=offering.price_micro, ppm=ppm)
    return Standing(scenario, MeasureStatus(found["sch_status"]), price_micro, ppm, tuple(found["sch_missing"]))


def with_measures(rows: OfferingQuerySet) -> OfferingQuerySet:
    """Join what ``standing`` needs, and the price per standard card-hour as ``measure.price_micro`` rounds it.

    ``sch_micro`` is null where there is no price; ``sch_rank`` sorts those last.
    """
    cases = [When(category=category, then=Value(scenario.value)) for category, scenario in SCENARIO_OF.items()]
    here = Q(accelerator__measures__scenario=Case(*cases, output_field=CharField()))
    ppm = F("measured__ppm")
    price = ExpressionWrapper((F("price_micro") * (2 * WHOLE_PPM) + ppm) / (ppm * 2), output_field=BigIntegerField())
    return rows.annotate(
        measured=FilteredRelation("accelerator__measures", condition=here),
        sch_ppm=ppm,
        sch_status=F("measured__status"),
        sch_missing=F("measured__missing"),
        sch_micro=price,
        sch_rank=Coalesce("sch_micro", Value(LAST)),
    )


def _fetched(offering: Offering, scenario: Scenario) -> dict[str, Any]:
    rows = StandardMeasure.objects.filter(accelerator=offering.accelerator_id, scenario=scenario)
    found = rows.values(sch_ppm=F("ppm"), sch_status=F("status"), sch_missing=F("missing")).first()
    return dict(found) if found else {"sch_status": None}
