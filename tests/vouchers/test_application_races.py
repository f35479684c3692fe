"""Many at the same moment: applications of an opening, reviewers of one case, two awards of the last budget."""

from threading import Barrier

import pytest

from ledger.models import Balance
from tests.market.races import THREADS, race, without_constraint
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, SIMPLE, applicant, officer
from vouchers import chart, selectors
from vouchers.models import Application, Review, Round
from vouchers.services import grants
from vouchers.services.applications import drafting, reviewing, submitting

pytestmark = pytest.mark.django_db(transaction=True)


def budget_held(procedure):
    return Balance.objects.get(account__code=chart.budget(procedure.programme_id)).held_fen


def test_an_opening_never_commits_more_than_there_is():
    procedure = filing.opened(scenes.published(budget_fen=20_000_000), **SIMPLE | {"budget_fen": 10_000_000})
    drafts = [filing.drafted(procedure) for _ in range(THREADS)]

    outcomes = race(lambda n: submitting.submit(application=drafts[n], actor=applicant(drafts[n]), at=AT))

    assert outcomes == {"ok": THREADS}
    assert Application.objects.filter(status="proposed", reserved_fen=3_000_000).count() == 3
    assert Application.objects.filter(status="waitlisted", reserved_fen=0).count() == THREADS - 3
    assert Round.objects.get().committed_fen == budget_held(procedure) == 9_000_000


def test_without_its_constraint_a_round_commits_what_it_does_not_have():
    procedure = filing.opened(scenes.published(budget_fen=200_000_000), **SIMPLE | {"budget_fen": 10_000_000})
    drafts = [filing.drafted(procedure) for _ in range(THREADS)]

    with without_constraint("vouchers_round", "round_within_budget"):
        race(lambda n: submitting.submit(application=drafts[n], actor=applicant(drafts[n]), at=AT))

        assert Round.objects.get().committed_fen == 3_000_000 * THREADS


def test_of_two_reviewers_at_once_exactly_one_wins():
    procedure = filing.opened(scenes.published(), **SIMPLE | {"reviewers": 2})
    application = filing.submitted(procedure)
    people = [officer(10 + number) for number in range(THREADS)]

    def judge(number):
        terms = {
            "application": application,
            "stage": "review_1",
            "actor": people[number],
            "no_interest": True,
            "at": AT,
        }
        if number % 2:
            reviewing.approve(**terms)
        else:
            reviewing.reject(reason_code="evidence", reason="no", **terms)

    outcomes = race(judge)

    assert outcomes == {"ok": 1, "stage-passed": THREADS - 1}
    assert Review.objects.count() == 1
    assert filing.status(application) in ("review_2", "rejected")


def test_without_the_guards_everyone_who_looked_in_time_reviews_the_stage():
    procedure = filing.opened(scenes.published(), **SIMPLE | {"reviewers": 2})
    application = filing.submitted(procedure)
    people = [officer(10 + number) for number in range(THREADS)]
    everyone_has_looked = Barrier(THREADS)

    def look_then_write(number):
        found = Application.objects.get(pk=application.pk)
        everyone_has_looked.wait(timeout=60)
        facts = {"stage": found.status, "cycle": 1, "reviewer": people[number].user, "verdict": "pass"}
        Review.objects.create(application=found, reviewed_at=AT, **facts)

    with without_constraint("vouchers_review", "review_once_a_stage"):
        race(look_then_write)

        assert Review.objects.filter(stage="review_1").count() == THREADS


def test_the_yearly_cap_of_a_firm_holds_over_all_it_hands_in_at_once():
    procedure = filing.opened(scenes.published(entity_year_cap_fen=7_000_000), **SIMPLE)
    firm = scenes.buyer()
    drafts = [filing.drafted(procedure, firm) for _ in range(8)]

    outcomes = race(
        lambda n: submitting.submit(application=drafts[n], actor=applicant(drafts[n]), at=AT), threads=len(drafts)
    )

    amounts = sorted(Application.objects.filter(status="proposed").values_list("reserved_fen", flat=True))
    assert amounts == [1_000_000, 3_000_000, 3_000_000]
    assert outcomes == {"ok": 3, "application-not-ready": 5}


def test_a_withdrawal_races_a_grant_of_the_last_budget_and_no_fen_is_lost():
    programme = scenes.published(budget_fen=3_000_000)
    procedure = filing.opened(programme, **SIMPLE)
    application = filing.submitted(procedure)
    proposals = [
        grants.propose(programme=programme, owner=scenes.buyer(), face_fen=3_000_000, actor=officer(1), at=AT)
        for _ in range(THREADS - 1)
    ]

    def act(number):
        if number == 0:
            drafting.withdraw(application=application, actor=applicant(application), at=AT)
        else:
            grants.approve(grant=proposals[number - 1], actor=officer(2), at=AT)

    outcomes = race(act)

    assert outcomes["ok"] in (1, 2)
    assert outcomes["budget-exhausted"] == THREADS - outcomes["ok"]
    assert selectors.programme_positions(programmes=[programme])[0].unallocated_fen == 3_000_000 * (2 - outcomes["ok"])
    assert budget_held(procedure) == 0
