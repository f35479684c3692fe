"""Let providers report what they measured on their cards; it counts once a person of the operator has accepted it."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit, organizations
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden, NotFound
from core.periods import date_of
from market import measure
from market.models import Accelerator, Measurement, MeasurementStatus, Offering
from market.models.measurement import LEAST_RUNS
from market.services import figures

LONGEST = timedelta(days=180)
MOST_VALUE = 10**12


class BadMeasurement(DomainError):
    """The measurement makes no sense."""

    code = "bad-measurement"


class MeasurementExists(Conflict):
    """The same was reported for the same day."""

    code = "measurement-exists"


class ReasonMissing(DomainError):
    """A rejection says why."""

    code = "reason-missing"


class SamePerson(Forbidden):
    """Who reported a measurement does not check it."""

    code = "same-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The median of runs of a benchmark, in the unit of its metric, from its day until it expires."""

    metric: str
    density: str = ""
    value: int
    runs: int
    source: str
    measured_on: date
    expires_on: date


@transaction.atomic
def submit(
    *, provider: Organization, accelerator: Accelerator, reading: Reading, actor: Actor, at: datetime
) -> Measurement:
    """Report what was measured on a card model that the provider offers.

    :raises NotFound: if the provider offers no cards of this model.
    :raises BadMeasurement: if it makes no sense.
    :raises MeasurementExists: if the same was reported for this day.
    """
    if not Offering.objects.of_provider(provider).filter(accelerator=accelerator).exists():
        raise NotFound(_("You offer no cards of this model."), fields={"accelerator": _("Not among your cards.")})
    wrong = _wrong(reading, date_of(at))
    if wrong:
        raise BadMeasurement(_("The measurement makes no sense."), fields=wrong)
    with refusing(measurement_once_a_day=MeasurementExists(_("This was reported for the day already."))):
        measurement = Measurement.objects.create(
            status=MeasurementStatus.SUBMITTED,
            provider=provider,
            accelerator=accelerator,
            submitted_by=actor.person,
            submitted_at=at,
            **asdict(reading),
        )
    after = {"model": accelerator.code, "metric": reading.metric, "value": reading.value, "runs": reading.runs}
    audit.record(actor=actor, verb="measurement.submitted", thing=measurement, at=at, after=after)
    return measurement


def _wrong(reading: Reading, today: date) -> dict[str, str]:
    wrong = {}
    if not 0 < reading.value <= MOST_VALUE:
        wrong["value"] = _("A whole number above zero, within reason.")
    if reading.runs < LEAST_RUNS:
        wrong["runs"] = _("At least %(least)d runs.") % {"least": LEAST_RUNS}
    if (measure.Metric(reading.metric) in measure.RATES) != bool(reading.density):
        wrong["density"] = _("Rates are dense or with sparsity, other figures neither.")
    if not reading.measured_on <= today < reading.expires_on <= reading.measured_on + LONGEST:
        wrong["expires_on"] = _("A measurement counts from its day for at most 180 days.")
    return wrong


@transaction.atomic
def accept(*, measurement: Measurement, actor: Actor, at: datetime) -> Measurement:
    """Let a measurement count as a figure of the card model until it expires.

    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider.
    :raises SamePerson: if it reported the measurement.
    :raises IllegalMove: if it was decided before.
    """
    measurement = _locked(measurement)
    person = organizations.require_operator(actor=actor, of=measurement.provider)
    figure = figures.record_measured(
        accelerator=measurement.accelerator,
        metric=measurement.metric,
        density=measurement.density,
        value=measurement.value,
        source=f"{measurement.provider.name}: {measurement.source}"[:200],
        measured_on=measurement.measured_on,
        expires_on=measurement.expires_on,
        actor=actor,
        at=at,
    )
    stamps = {"decided_by": person, "decided_at": at, "figure": figure}
    with refusing(measurement_decided_by_another=SamePerson(_("Who reported a measurement does not check it."))):
        measurement.move_to(MeasurementStatus.ACCEPTED, **stamps)
    audit.record(actor=actor, verb="measurement.accepted", thing=measurement, at=at)
    figures.refresh_measures(on=date_of(at))
    return measurement


@transaction.atomic
def reject(*, measurement: Measurement, reason: str, actor: Actor, at: datetime) -> Measurement:
    """Turn a measurement down and say why.

    :raises ReasonMissing: if it does not say why.
    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider.
    :raises IllegalMove: if it was decided before.
    """
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    measurement = _locked(measurement)
    person = organizations.require_operator(actor=actor, of=measurement.provider)
    stamps = {"decided_by": person, "decided_at": at, "reason": reason.strip()}
    with refusing(measurement_decided_by_another=SamePerson(_("Who reported a measurement does not check it."))):
        measurement.move_to(MeasurementStatus.REJECTED, **stamps)
    audit.record(actor=actor, verb="measurement.rejected", thing=measurement, at=at, after={"reason": reason.strip()})
    return measurement


def _locked(measurement: Measurement) -> Measurement:
    return Measurement.objects.locked().select_related("provider", "accelerator").get(pk=measurement.pk)
