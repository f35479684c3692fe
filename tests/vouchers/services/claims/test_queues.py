"""The desk's queues: whose turn, how late, and the same act on many claims."""

import pytest

from tests.vouchers import claims, scenes
from tests.vouchers.claims import CLAIMANT, LATER, OPERATOR, days_later
from tests.vouchers.scenes import officer
from vouchers import claim_queues, tasks
from vouchers.claim_queues import Load
from vouchers.models import Claim, ClaimStatus, Reason
from vouchers.services.claims import answers, bulk, steps
from vouchers.services.claims.decisions import Refusal

pytestmark = pytest.mark.django_db


def test_a_claim_waits_for_one_of_four_and_its_clock_runs(quarter, provider):
    claim = claims.submitted(claims.assembled(quarter))

    due = claim.due_at
    assert list(claim_queues.queue("operator", authority=quarter.authority, programme_id=quarter.pk)) == [claim]
    assert not claim_queues.queue("operator", overdue_at=due)
    assert list(claim_queues.queue("operator", overdue_at=days_later(6), claimant_id=provider.pk)) == [claim]
    assert claim_queues.loads(at=days_later(6), authority=quarter.authority) == {
        "claimant": Load(0, 0, 0),
        "operator": Load(1, 1, 5_000_000),
        "approver": Load(0, 0, 0),
        "finance": Load(0, 0, 0),
    }
    steps.assign(claim=claim, to=officer(OPERATOR).user, actor=officer(OPERATOR), at=LATER)
    assert claim_queues.queue("operator", assigned_to=officer(OPERATOR).user.pk).count() == 1
    assert claim_queues.loads(at=LATER)["operator"].overdue == 0


def test_a_claim_that_is_over_is_put_on_nobodys_table(quarter, provider):
    claim = claims.assembled(quarter)
    answers.withdraw(claim=claim, claimant=provider, actor=officer(CLAIMANT), at=LATER)

    with pytest.raises(steps.ClaimOver):
        steps.assign(claim=claim, to=officer(OPERATOR).user, actor=officer(OPERATOR), at=LATER)

    assert Claim.objects.get(pk=claim.pk).assigned_to is None


def test_the_same_is_done_to_many_and_each_refusal_is_told(quarter, courier, provider):
    first = claims.submitted(claims.assembled(quarter))
    grant = first.lines.first().redemption.grant
    claims.captured(grant, 1_000_000, courier, provider)
    second = claims.assembled(quarter)

    outcomes = bulk.each(
        [first, second], steps.send_back, note="The letter is missing.", actor=officer(OPERATOR), at=LATER
    )

    assert [one.refused and one.refused.code for one in outcomes] == [None, "illegal-move"]
    assert list(Claim.objects.order_by("number").values_list("status", flat=True)) == ["returned", "assembled"]


def test_contested_and_withheld_lines_have_queues_of_their_own(quarter, provider):
    claim = claims.decided(claims.sampled(claims.submitted(claims.assembled(quarter))), {1: Refusal(Reason.OTHER)})
    line = claim.lines.get(number=1)
    answers.dispute(
        claim=line.claim, lines=[line.number], claimant=provider, answer="no", actor=officer(CLAIMANT), at=LATER
    )

    assert list(claim_queues.disputes(authority=quarter.authority)) == [line]
    assert not claim_queues.disputes(authority=scenes.authority())
    assert not claim_queues.withheld(authority=quarter.authority)


def test_the_clock_assembles_once_a_period_and_reverses_what_nobody_answers(courier, provider, settings, tmp_path):
    programme = scenes.published(providers=[provider])
    grant = scenes.grant(programme, face_fen=6_000_000)
    claims.captured(grant, 1_000_000, courier, provider)
    clock = tmp_path / "clock"
    settings.REHEARSAL_CLOCK = str(clock)
    clock.write_text(LATER.isoformat(), encoding="ascii")

    tasks.assemble_claims()
    claims.captured(grant, 1_000_000, courier, provider)
    tasks.assemble_claims()

    claim = Claim.objects.select_related("programme__authority", "claimant").get()
    assert claim.amount_fen == 300_000
    claims.decided(claims.sampled(claims.submitted(claim)), {1: Refusal(Reason.OTHER)})
    clock.write_text(days_later(20).isoformat(), encoding="ascii")
    tasks.reverse_claim_lines()
    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.REJECTED
    assert claim.lines.get().status == "reversed"
