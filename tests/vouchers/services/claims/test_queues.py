"""The desk's queues: whose turn, how late, and the same act on many claims."""

import pytest

from accounts.models import Membership, OrganizationKind, Role
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty
from tests.vouchers import claims, scenes
from tests.vouchers.claims import CLAIMANT, LATER, OPERATOR, days_later
from tests.vouchers.scenes import officer
from vouchers import claim_queues, tasks
from vouchers.claim_queues import Load
from vouchers.models import Claim, ClaimStatus, Reason
from vouchers.services.claims import answers, bulk, hands, steps
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


def seated(number, organization, role):
    user = officer(number).user
    Membership.objects.create(user=user, organization=organization, role=role)
    return Actor(user=user, organization=organization)


def test_only_who_works_on_a_claim_puts_it_on_a_table_and_only_on_that_of_another_who_does(quarter, provider):
    claim = claims.submitted(claims.assembled(quarter))
    finance, viewer = seated(31, quarter.authority, Role.FINANCE), seated(32, quarter.authority, Role.VIEWER)
    stranger = seated(33, scenes.authority(), Role.OWNER)
    claimant = seated(34, provider, Role.OWNER)
    checker = seated(35, scenes.organization(OrganizationKind.OPERATOR), Role.REVIEWER)

    for actor in (viewer, stranger, claimant):
        for to in (finance.user, actor.user, None):
            with pytest.raises(NotYourDuty):
                steps.assign(claim=claim, to=to, actor=actor, at=LATER)
    for to in (viewer, stranger, claimant, checker):
        with pytest.raises(hands.NoHand):
            steps.assign(claim=claim, to=to.user, actor=finance, at=LATER)
    assert Claim.objects.get(pk=claim.pk).assigned_to is None

    for actor in (finance, checker):
        assert steps.assign(claim=claim, to=actor.user, actor=actor, at=LATER).assigned_to == actor.user


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
