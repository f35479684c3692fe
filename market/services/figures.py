"""Keep the figures of card models, and the unified measures that follow from them."""

from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from market import measure, reference
from market.measure import STANDARD
from market.models import Accelerator, Figure, FigureKind, StandardMeasure

OUTCOME = ["status", "ppm", "missing", "version"]


class FigureExists(Conflict):
    """The source has a figure of this metric and day."""

    code = "figure-exists"


class BadFigure(DomainError):
    """The figure makes no sense."""

    code = "bad-figure"


@transaction.atomic
def load_published() -> None:
    """Bring the published figures up to date with the reference tables; repeating it changes nothing."""
    cards = dict(Accelerator.objects.values_list("code", "pk"))
    Figure.objects.bulk_create(
        [
            Figure(
                accelerator_id=cards[fact.accelerator],
                metric=fact.metric.value,
                kind=FigureKind.PUBLISHED,
                density=fact.density.value,
                value=fact.value,
                source=fact.source,
                dated_on=fact.dated_on,
            )
            for fact in reference.figures()
        ],
        update_conflicts=True,
        unique_fields=["accelerator", "metric", "kind", "density", "source", "dated_on"],
        update_fields=["value"],
    )


@transaction.atomic
def record_measured(
    *,
    accelerator: Accelerator,
    metric: str,
    density: str = "",
    value: int,
    source: str,
    measured_on: date,
    expires_on: date,
    actor: Actor,
    at: datetime,
) -> Figure:
    """Record a measured figure in the unit of its metric; it counts until it expires.

    :raises BadFigure: if the value is not positive, a rate has no density, or it expires before it was measured.
    :raises FigureExists: if this source has measured the same on the same day.
    """
    rated = measure.Metric(metric) in measure.RATES
    if value < 1 or rated != bool(density) or expires_on <= measured_on:
        raise BadFigure(_("The figure makes no sense."))
    with refusing(figure_once=FigureExists(_("There is such a figure already."))):
        figure = Figure.objects.create(
            accelerator=accelerator,
            metric=metric,
            kind=FigureKind.MEASURED,
            density=density,
            value=value,
            source=source,
            dated_on=measured_on,
            expires_on=expires_on,
        )
    after = {"metric": metric, "density": density, "value": value, "source": source}
    audit.record(actor=actor, verb="figure.measured", thing=figure, at=at, after=after)
    return figure


@transaction.atomic
def refresh_measures(*, on: date) -> int:
    """Compute every measure from the figures that are good on a day; return how many changed.

    Figures expire with the day, so this runs as a sweep; repeating it changes nothing.
    """
    known = {(one.accelerator_id, one.scenario): one for one in StandardMeasure.objects.all()}
    changed = [one for one in _measures(on) if _differs(one, known.get((one.accelerator_id, one.scenario)))]
    StandardMeasure.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["accelerator", "scenario"],
        update_fields=[*OUTCOME, "computed_on"],
    )
    return len(changed)


def _measures(on: date) -> Iterator[StandardMeasure]:
    """Yield a measure for every card model that has figures, in every scenario."""
    cards = Accelerator.objects.filter(figures__isnull=False).distinct().order_by("pk")
    for card in cards.prefetch_related(Prefetch("figures", Figure.objects.order_by("pk"))):
        facts = [figure.fact for figure in card.figures.all()]
        for scenario, recipe in STANDARD.recipes.items():
            found = measure.measure(facts, recipe=recipe, on=on)
            yield StandardMeasure(
                accelerator=card,
                scenario=scenario.value,
                status=found.status.value,
                ppm=found.ppm,
                missing=[component.value for component in found.missing],
                version=STANDARD.version,
                computed_on=on,
            )


def _differs(new: StandardMeasure, old: StandardMeasure | None) -> bool:
    return old is None or any(getattr(new, name) != getattr(old, name) for name in OUTCOME)
