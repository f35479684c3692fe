"""The three flows of public money in a small rehearsal: applied for, claimed, paid, and gone through the books."""

from datetime import timedelta

import pytest

from config.demo import cast, flows, generator
from config.demo.scenario import last_month
from core.periods import HOUR
from tests.billing.scenes import AT
from vouchers.models import Application, ApplicationStatus, Grant

MONTH = last_month(AT + timedelta(days=31))


@pytest.fixture
def assembled(db):
    scenario = generator.generate(month=MONTH, seed=1)
    at = MONTH.starts_at - HOUR
    made = cast.assemble(scenario=scenario, at=at)
    providers = list(made.providers.values())
    flows.prepare(authorities=made.authorities, providers=providers, buyers=made.buyers, at=at)
    return made


def test_a_grant_is_applied_for_and_awarded_before_the_month(assembled):
    application = Application.objects.get()

    assert application.status == ApplicationStatus.GRANTED
    assert Grant.objects.get(programme__code=flows.GRANTED).face_fen == 400_000_00
