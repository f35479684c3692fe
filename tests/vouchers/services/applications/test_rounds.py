"""Rounds: their procedure and windows, who reviews in them, and who gets what when the budget is too small for all."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import Interest, Role
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty, Partial
from core.errors import IllegalMove
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, CLOSES, SIMPLE, applicant, officer, status
from tests.vouchers.services.test_duties import seated
from vouchers import allocation, selectors
from vouchers.models import Application, Round
from vouchers.parameters import codec
from vouchers.services import programmes
from vouchers.services.applications import (
    deciding,
    drafting,
    previews,
    refusals,
    reviewing,
    rounds,
    submitting,
    sweeping,
)
from vouchers.services.people import MakerIsChecker

pytestmark = pytest.mark.django_db


def closed(programme, method, *asked, **procedure):
    """Return a closed round with an application of each amount, in the order of arrival."""
    found = filing.opened(programme, **SIMPLE | {"method": method} | procedure)
    made = [filing.submitted(found, asked_fen=fen, at=AT + timedelta(seconds=n)) for n, fen in enumerate(asked)]
    assert sweeping.close_windows(at=CLOSES - timedelta(microseconds=1)) == 0
    assert sweeping.close_windows(at=CLOSES) == 1
    return found, made


def allocated(found, **terms):
    rounds.allocate(procedure=found, actor=officer(1), at=CLOSES, **terms)
    rows = Application.objects.filter(round=found).order_by("submitted_at", "pk")
    return list(rows.values_list("status", "reserved_fen", "place"))


def test_a_batch_is_served_in_order_and_what_comes_free_goes_to_those_who_wait():
    found, made = closed(scenes.published(budget_fen=5_000_000), "batch", 2_000_000, 2_500_000, 1_000_000)
    ways = previews.of_each(procedure=found, at=CLOSES)
    seen = {way: [(award.place, award.amount_fen) for _one, award, _could in it.rows] for way, it in ways.items()}
    assert list(seen) == ["batch", "pro_rata", "lottery"]  # its own way first; nobody scored, so there is no ranking
    assert seen["batch"] == [(1, 2_000_000), (2, 2_500_000), (3, 0)]
    assert seen["pro_rata"] == [(1, 1_818_182), (2, 2_272_727), (3, 909_091)]
    told = [(it.served, it.in_part, it.total_fen, it.left_fen, it.cut_off, it.factor_bp) for it in ways.values()]
    assert told[:2] == [(2, 0, 4_500_000, 500_000, 2, 8_181), (3, 3, 5_000_000, 0, 3, 9_090)]

    assert allocated(found) == [("proposed", 2_000_000, 1), ("proposed", 2_500_000, 2), ("waitlisted", 0, 3)]

    assert sweeping.offer_freed_budget(at=CLOSES) == 0
    drafting.withdraw(application=made[0], actor=applicant(made[0]), at=CLOSES, reason="合同解除")
    assert sweeping.offer_freed_budget(at=CLOSES) == 1
    assert status(made[2]) == "proposed"
    assert selectors.reserved_fen(found.programme) == 3_500_000
    with pytest.raises(IllegalMove):
        rounds.allocate(procedure=found, actor=officer(1), at=CLOSES)


def test_a_round_of_its_own_budget_shares_it_in_proportion():
    found, _made = closed(scenes.published(), "pro_rata", 100, 100, 100, budget_fen=100)

    assert allocated(found) == [("proposed", 34, 1), ("proposed", 33, 2), ("proposed", 33, 3)]
    assert Round.objects.get().committed_fen == 100


def test_a_lottery_is_drawn_by_the_seed_that_was_committed_to():
    commitment = allocation.seed_commitment("2025-06-30/2718")
    found, made = closed(scenes.published(budget_fen=100), "lottery", 100, 100, 100, seed_commitment=commitment)

    with pytest.raises(refusals.WrongSeed):
        rounds.allocate(procedure=found, actor=officer(1), at=CLOSES, seed="another")
    rounds.allocate(procedure=found, actor=officer(1), at=CLOSES, seed="2025-06-30/2718")

    first = min(made, key=lambda one: allocation.lot("2025-06-30/2718", str(one.pk)))
    assert [one.pk for one in Application.objects.filter(status="proposed")] == [first.pk]
    assert Round.objects.get().seed == "2025-06-30/2718"


def test_a_ranking_follows_the_mean_of_the_experts_scores():
    found = filing.opened(scenes.published(budget_fen=150), **SIMPLE | {"method": "ranked", "panel_size": 2})
    low, high = (filing.submitted(found, asked_fen=100) for _ in range(2))
    with pytest.raises(refusals.BadScore):
        filing.passed(low, 3)
    for application, scores in ((low, (80, 81)), (high, (90, 90))):
        for number, score in enumerate(scores, start=3):
            filing.passed(application, number, score=score)
    sweeping.close_windows(at=CLOSES)

    assert [one.score for one in Application.objects.order_by("pk")] == [8_050, 9_000]
    assert allocated(found) == [("waitlisted", 0, 2), ("proposed", 100, 1)]


def test_nothing_is_allocated_while_cases_are_undecided_or_the_window_is_open():
    found = filing.opened(scenes.published(), **SIMPLE | {"method": "batch", "reviewers": 1})
    application = filing.submitted(found)
    with pytest.raises(IllegalMove):
        rounds.allocate(procedure=found, actor=officer(1), at=AT)
    sweeping.close_windows(at=CLOSES)
    with pytest.raises(refusals.Undecided):
        rounds.allocate(procedure=found, actor=officer(1), at=CLOSES)

    terms = {"reason_code": "other", "reason": "no", "no_interest": True, "actor": officer(3), "at": AT}
    reviewing.reject(application=application, stage="review_1", **terms)

    assert rounds.allocate(procedure=found, actor=officer(1), at=CLOSES) == []


def test_a_firms_yearly_cap_is_shared_by_all_it_hands_in():
    programme, firm = scenes.published(entity_year_cap_fen=5_000_000), scenes.buyer()
    found = filing.opened(programme, **SIMPLE | {"method": "batch"})
    for n in range(3):
        filing.submitted(found, firm, at=AT + timedelta(seconds=n))
    sweeping.close_windows(at=CLOSES)

    assert allocated(found) == [("proposed", 3_000_000, 1), ("proposed", 2_000_000, 2), ("waitlisted", 0, None)]


def test_a_round_takes_its_procedure_from_the_programmes_parameters():
    plain = codec.dump(scenes.draft(authority=(authority := scenes.authority())).parameters)
    plain["identity"]["code"] = "PROCEDURE"
    plain["evidence"] = {"for_application": ["CONTRACT", "COMMITMENT_LETTER"]}
    plain["allocation"] = {
        "method": "RANK",
        "window": {"opens_on": "2025-06-01", "closes_on": "2025-07-01"},
        "reviewers_required": 2,
        "district_first_review": True,
        "expert_panel": True,
        "panel_size": 3,
        "score_sheet": [{"code": "A", "name": "A", "points": 100}],
        "publicity_days": 7,
        "appeal_days": 9,
        "supplement_days": 4,
    }
    programme = programmes.draft_of(authority=authority, parameters=codec.read(plain), actor=officer(1), at=AT)

    made = rounds.draft(programme=programme, actor=officer(1), at=AT)

    assert (made.method, made.reviewers, made.panel_size, made.district_review) == ("ranked", 2, 3, True)
    assert (made.publicity_days, made.appeal_days, made.supplement_days) == (7, 9, 4)
    assert made.required_evidence == ["contract", "commitment"]
    assert made.opens_at.isoformat() == "2025-05-31T16:00:00+00:00"


@pytest.mark.parametrize(
    ("procedure", "field"),
    [
        ({"closes_at": filing.OPENS}, "closes_at"),
        ({"budget_fen": 0}, "budget_fen"),
        ({"most_fen": 0}, "most_fen"),
        ({"method": "auction"}, "method"),
        ({"method": "ranked"}, "panel_size"),
        ({"method": "lottery"}, "seed_commitment"),
        ({"reviewers": 3}, "reviewers"),
        ({"panel_size": 16}, "panel_size"),
        ({"required_evidence": ["poem"]}, "required_evidence"),
    ],
)
def test_a_procedure_that_contradicts_itself_is_refused(programme, procedure, field):
    with pytest.raises(refusals.BadRound) as refusal, translation.override("en"):
        filing.opened(programme, **procedure)

    assert list(refusal.value.fields) == [field]
    assert not Round.objects.exists()


def test_windows_do_not_overlap_and_a_round_is_opened_by_another_and_then_fixed(programme):
    first = filing.opened(programme, name="first")
    with pytest.raises(refusals.WindowsOverlap):
        filing.opened(programme, opens_at=CLOSES - timedelta(seconds=1), closes_at=CLOSES + timedelta(days=1))
    later = {"opens_at": CLOSES, "closes_at": CLOSES + timedelta(days=1)}
    with pytest.raises(refusals.BadRound):
        filing.opened(programme, name="first", **later)
    drafted = rounds.draft(programme=programme, actor=officer(1), at=AT, name="second", **later)
    with pytest.raises(MakerIsChecker):
        rounds.open_(procedure=drafted, actor=officer(1), at=AT)

    for change in ({"publicity_days": first.publicity_days + 1}, {"committed_fen": 5}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Round.objects.filter(pk=first.pk).update(**change)


def test_districts_see_their_own_and_officers_with_an_interest_see_none(programme):
    procedure = filing.opened(programme, district_review=True, required_evidence=[])
    application = filing.submitted(procedure, district="海淀")
    district = seated(programme.authority, Role.DISTRICT)
    owner = seated(programme.authority, Role.OWNER, "owner")
    terms = {"application": application, "stage": "district_review", "no_interest": True, "at": AT}

    with pytest.raises(NotYourDuty):
        reviewing.approve(actor=district, **terms)
    with pytest.raises(NotYourDuty):
        reviewing.approve(actor=owner, **terms)
    Interest.objects.create(user=officer(9).user, organization=application.applicant, note="n", declared_at=AT)
    with pytest.raises(Partial):
        reviewing.approve(actor=officer(9), **terms)
    with pytest.raises(Partial):
        reviewing.assign(application=application, to=officer(9).user, actor=owner, at=AT)
    with pytest.raises(refusals.InterestNotDenied):
        reviewing.approve(actor=officer(3), **terms | {"no_interest": False})
    with pytest.raises(refusals.BadAmount):
        reviewing.approve(actor=officer(3), amount_fen=3_000_001, **terms)
    assert reviewing.assign(application=application, to=officer(3).user, actor=owner, at=AT).assignee == officer(3).user
    mine = filing.drafted(procedure, actor=officer(4))
    with pytest.raises(refusals.NotAStranger):
        reviewing.assign(application=submitted_by(mine, 4), to=None, actor=Actor(user=officer(4).user), at=AT)
    assert Application.objects.get(pk=application.pk).reviews.count() == 0


def submitted_by(application, number):
    return submitting.submit(application=application, actor=officer(number), at=AT)


def test_the_same_person_does_not_review_a_case_twice_and_many_are_decided_at_once(programme):
    procedure = filing.opened(programme, **SIMPLE | {"reviewers": 2})
    made = [filing.submitted(procedure) for _ in range(2)]
    filing.passed(made[0], 3)
    with pytest.raises(refusals.ReviewedBefore):
        filing.passed(Application.objects.get(pk=made[0].pk), 3)

    terms = {"stage": "review_1", "no_interest": True, "actor": officer(5), "at": AT}
    refused = reviewing.each(made, reviewing.approve, **terms)

    assert [application.pk for application, _why in refused] == [made[0].pk]
    assert status(made[1]) == "review_2"


def test_what_is_proposed_is_turned_down_together_or_granted_once_the_programme_grants(programme):
    procedure = filing.opened(programme, **SIMPLE)
    first, second = (filing.submitted(procedure) for _ in range(2))
    why = {"reason_code": "untrue", "reason": "虚假合同", "actor": officer(2), "at": AT}
    with pytest.raises(refusals.ReasonMissing):
        deciding.turn_down(applications=[first], **why | {"reason": " "})
    programmes.pause(programme=programme, actor=officer(1), at=AT)
    deciding.approve(application=second, actor=officer(2), at=AT)
    assert status(second) == "approved"
    with pytest.raises(deciding.grants.NotGranting):
        deciding.grant(application=second, actor=officer(2), at=AT)
    programmes.resume(programme=programme, actor=officer(1), at=AT)

    deciding.turn_down(applications=[first], **why)
    deciding.grant(application=second, actor=officer(2), at=AT)

    assert (status(first), status(second)) == ("rejected", "granted")
    assert selectors.reserved_fen(programme) == 0
    with pytest.raises(refusals.BadApplication):
        deciding.appeal(application=first, text=" ", actor=applicant(first), at=AT)
    appeal = deciding.appeal(application=first, text="有新证据", actor=applicant(first), at=AT)
    deciding.decide_appeal(made=appeal, upheld=True, answer="可", actor=officer(6), at=AT)
    assert status(first) == "proposed"  # nobody reviews in this round, and there is budget


@pytest.mark.parametrize(
    ("method", "short", "proposed"),
    [
        ("WINDOW_BATCH", "QUEUE", "batch"),
        ("WINDOW_BATCH", "PRO_RATA", "pro_rata"),
        ("RANK", "RANK_CUT", "ranked"),
        ("FCFS", "QUEUE", "first_come"),
    ],
)
def test_a_programme_says_how_its_rounds_share_what_is_short(method, short, proposed):
    drafted = scenes.draft()
    allocation = {"method": method, "score_sheet": [{"code": "A", "name": "a", "points": 5}]}
    window = {"opens_on": drafted.opens_on.isoformat(), "closes_on": drafted.closes_on.isoformat()}
    changes = {f"allocation.{name}": value for name, value in (allocation | {"window": window}).items()}
    named = changes | {"money.oversubscription": short, "identity.code": f"{drafted.code}-S"}
    parameters = codec.changed(drafted.parameters, named)
    terms = {"authority": drafted.authority, "actor": officer(1), "at": AT}
    assert rounds.defaults(programmes.draft_of(parameters=parameters, **terms))["method"] == proposed
