"""Claims in the transparency log: what was claimed, approved, sent and paid is there, and adds up for a stranger."""

import json

import pytest

from tests.vouchers import claims, log
from tests.vouchers.claims import CLAIMANT, LATER, days_later
from tests.vouchers.scenes import AT, officer
from vouchers.models import LogEntry, Movement, Reason
from vouchers.services import redemptions, sequencing
from vouchers.services.claims import answers
from vouchers.services.claims.decisions import Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = tmp_path / "transparency.key"


def test_the_life_of_claims_is_replayed_by_a_stranger(quarter, courier, provider, tmp_path):
    given_up = claims.assembled(quarter)
    answers.withdraw(claim=given_up, claimant=provider, actor=officer(CLAIMANT), at=LATER)
    first = claims.sampled(claims.submitted(claims.assembled(quarter)))
    first = claims.paid(claims.decided(first, {1: Refusal(Reason.NO_USAGE_PROOF)}))
    settled = first.lines.filter(status="accepted").first()
    redemptions.refund(redemption=settled.redemption, reference="credit/1", amount_fen=30, at=LATER)
    claims.captured(settled.redemption.grant, 1_000_000, courier, provider, at=days_later(10))
    second = claims.assembled(quarter, at=days_later(100), period=claims.AUTUMN)
    claims.paid(claims.decided(claims.sampled(claims.submitted(second))), at=days_later(101))
    answers.reverse_due(at=days_later(120))

    log.published()
    bundle = log.export(tmp_path)

    verdict = log.verify(bundle, tmp_path / "log.pub")
    assert verdict.code == 0, verdict.said
    paid_fen = first.approved_fen + 300_000 - 30
    assert f"claims approved=0 instructed=0 paid={paid_fen}" in verdict.said
    kinds = list(LogEntry.objects.filter(claim_id=first.pk).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["claim", "approve", "instruct", "pay"]
    said = json.loads(bytes(LogEntry.objects.get(claim_id=first.pk, kind="claim").payload))
    assert said["digest"] == first.digest
    assert provider.credit_code not in json.dumps(said)


def test_nothing_of_a_claim_waits_unlogged(quarter):
    claims.approved(quarter)
    assert set(Movement.objects.values_list("kind", flat=True)) >= {"claim", "approve"}

    sequencing.sequence(at=AT)

    assert not Movement.objects.exists()
