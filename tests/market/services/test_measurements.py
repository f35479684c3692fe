"""What providers measured counts once another person has accepted it."""

from datetime import date

import pytest

from accounts.services.audit import Actor
from core.errors import Forbidden, IllegalMove, NotFound
from market.models import Figure, Measurement, MeasurementStatus
from market.services import measurements
from tests.market import scenes
from tests.market.scenes import AT


def submit(offering, **changes):
    terms = {
        "accelerator": offering.accelerator,
        "metric": "fp16",
        "density": "dense",
        "value": 300_000,
        "runs": 7,
        "source": "gemm 1.2",
        "measured_on": date(2026, 9, 30),
        "expires_on": date(2026, 12, 1),
    }
    wanted = terms | changes
    return measurements.submit(
        provider=offering.provider,
        accelerator=wanted.pop("accelerator"),
        reading=measurements.Reading(**wanted),
        actor=Actor(user=scenes.clerks()[0], organization=offering.provider),
        at=AT,
    )


def test_a_measurement_counts_once_it_is_accepted(offering):
    submitted = submit(offering)
    assert not Figure.objects.exists()

    measurements.accept(measurement=submitted, actor=scenes.operator(), at=AT)

    figure = Figure.objects.get()
    assert (figure.kind, figure.value, figure.expires_on) == ("measured", 300_000, date(2026, 12, 1))
    assert Measurement.objects.get().figure == figure
    with pytest.raises(IllegalMove):
        measurements.reject(measurement=submitted, reason="Late.", actor=scenes.operator(), at=AT)


def test_who_reports_does_not_accept(offering):
    submitted = submit(offering)

    with pytest.raises(measurements.SamePerson):
        measurements.accept(
            measurement=submitted,
            actor=Actor(user=submitted.submitted_by, organization=scenes.operator().organization),
            at=AT,
        )
    with pytest.raises(Forbidden):
        measurements.accept(measurement=submitted, actor=Actor(organization=offering.provider), at=AT)

    assert not Figure.objects.exists()
    assert Measurement.objects.get().status == MeasurementStatus.SUBMITTED


def test_a_rejected_one_says_why_and_may_be_reported_again(offering):
    submitted = submit(offering)
    with pytest.raises(measurements.MeasurementExists):
        submit(offering)

    measurements.reject(measurement=submitted, reason="Which clock?", actor=scenes.operator(), at=AT)

    assert submit(offering).status == MeasurementStatus.SUBMITTED
    assert not Figure.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"value": 0}, "value"),
        ({"runs": 4}, "runs"),
        ({"density": ""}, "density"),
        ({"metric": "memory-bandwidth"}, "density"),
        ({"measured_on": date(2026, 10, 2)}, "expires_on"),
        ({"expires_on": date(2027, 9, 1)}, "expires_on"),
    ],
)
def test_a_senseless_measurement_is_refused(offering, wrong, field):
    with pytest.raises(measurements.BadMeasurement) as refusal:
        submit(offering, **wrong)

    assert list(refusal.value.fields) == [field]


def test_other_peoples_cards_are_not_measured(offering):
    with pytest.raises(NotFound):
        submit(offering, accelerator=scenes.accelerator())
