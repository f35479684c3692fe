"""What the cards of an offering are worth, and what a standard card-hour of it costs."""

from dataclasses import dataclass

from django.db.models import BigIntegerField, Case, CharField, ExpressionWrapper, F, FilteredRelation, Q, Value, When
from django.db.models.functions import Coalesce

from market.measure import WHOLE_PPM
from market.models import SCENARIO_OF, Category, MeasureStatus, Offering, Scenario
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
    """Return how an offering compares in the scenario of its category; ``with_measures`` saves a query a row."""
    scenario = SCENARIO_OF[Category(offering.category)]
    found = next((one for one in offering.accelerator.measures.all() if one.scenario == scenario), None)
    if found is None:
        return Standing(scenario, MeasureStatus.NOT_COMPARABLE)
    price_micro = found.price_micro(offering.price_micro)
    return Standing(scenario, MeasureStatus(found.status), price_micro, found.ppm, tuple(found.missing))


def with_measures(rows: OfferingQuerySet) -> OfferingQuerySet:
    """Fetch what ``standing`` needs."""
    return rows.prefetch_related("accelerator__measures")


def with_sch_price(rows: OfferingQuerySet) -> OfferingQuerySet:
    """Compute the price per standard card-hour in the database, rounded as ``measure.price_micro`` rounds.

    ``sch_micro`` is null where there is none; ``sch_rank`` sorts those last.
    """
    cases = [When(category=category, then=Value(scenario.value)) for category, scenario in SCENARIO_OF.items()]
    here = Q(accelerator__measures__scenario=Case(*cases, output_field=CharField()))
    ppm = F("measured__ppm")
    price = ExpressionWrapper((F("price_micro") * 2 * WHOLE_PPM + ppm) / (ppm * 2), output_field=BigIntegerField())
    rows = rows.annotate(measured=FilteredRelation("accelerator__measures", condition=here))
    return rows.annotate(sch_micro=price).annotate(sch_rank=Coalesce("sch_micro", Value(LAST)))
