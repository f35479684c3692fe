"""An application on its whole way, with exact fen at every step."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditEntry
from core.errors import IllegalMove
from tests.vouchers import filing, scenes
from tests.vouchers.filing import AT, applicant, officer, status
from tests.vouchers.services.test_versions import amended
from vouchers import selectors
from vouchers.models import GrantStatus, Round
from vouchers.services.applications import deciding, publicity, refusals, reviewing, submitting, sweeping
from vouchers.services.people import MakerIsChecker

DAY = timedelta(days=1)
LINES = [
    {"category": "GPU_TRAIN", "amount_fen": 10_000_000},
    {"category": "STORAGE", "amount_fen": 2_000_000},
    {"category": "NETWORK", "amount_fen": 500_000},
]


@pytest.fixture
def procedure(db) -> Round:
    programme = scenes.published(ratio_bp=2_000, budget_fen=100_000_000)
    return filing.opened(
        programme,
        district_review=True,
        reviewers=2,
        required_evidence=["contract", "commitment"],
        supplement_days=3,
        publicity_days=5,
        appeal_days=10,
    )


def budget(procedure: Round) -> tuple[int, int]:
    """Return what the programme may still grant and what of it is reserved."""
    position = selectors.programme_positions(programmes=[procedure.programme])[0]
    return position.unallocated_fen, selectors.reserved_fen(procedure.programme)


def test_from_a_draft_to_a_grant(procedure):
    application = filing.submitted(procedure, contract_no="BJ-2026-001", lines=LINES, district="海淀")

    assert status(application) == "district_review"
    assert application.entitled_fen == 2_000_000  # 20 % of 10,000,000: storage and network do not count
    assert [one["reason"] for one in excluded(application)] == ["CATEGORY_NOT_ELIGIBLE", "CATEGORY_NOT_ELIGIBLE"]
    assert [one["code"] for one in application.findings] == ["ASKED_ABOVE_ENTITLED"]
    assert application.due_at == AT + 5 * DAY

    filing.passed(application, 3)
    filing.passed(reload(application), 4)
    filing.passed(reload(application), 5, amount_fen=1_900_000)

    application = reload(application)
    assert (application.status, application.reserved_fen) == ("proposed", 1_900_000)
    assert budget(procedure) == (100_000_000, 1_900_000)

    publicity.publish(applications=[application], actor=officer(1), at=AT)
    application = reload(application)
    assert application.publicity_until == datetime(2025, 7, 5, 16, tzinfo=UTC)  # the end of 5 July in Shanghai
    with pytest.raises(refusals.TooEarly):
        deciding.approve(application=application, actor=officer(2), at=application.publicity_until - timedelta(0, 0, 1))
    with pytest.raises(MakerIsChecker):
        deciding.approve(application=application, actor=officer(1), at=application.publicity_until)
    deciding.approve(application=application, actor=officer(2), at=application.publicity_until)

    application = reload(application)
    assert application.status == "granted"
    granted = application.grant
    assert (granted.status, granted.face_fen, granted.owner) == (GrantStatus.ACTIVE, 1_900_000, application.applicant)
    assert selectors.grant_balance(granted).available_fen == 1_900_000
    assert budget(procedure) == (98_100_000, 0)
    assert [step.status for step in application.steps.order_by("pk")] == [
        "submitted",
        "district_review",
        "review_1",
        "review_2",
        "proposed",
        "publicity",
        "approved",
        "granted",
    ]
    assert AuditEntry.objects.filter(object_id=str(application.pk), verb="application.granted").exists()


def excluded(application):
    return [one["params"] for one in application.explanation["steps"] if one["code"] == "EXCLUDED"]


def reload(application):
    return type(application).objects.select_related("grant__account").get(pk=application.pk)


def test_a_supplement_comes_back_to_the_stage_that_asked_or_lapses(procedure):
    application, late = (filing.submitted(procedure, contract_no=number) for number in ("A", "B"))
    for one in (application, late):
        reviewing.ask_for_supplement(
            application=one, stage="district_review", reason="合同缺盖章页", actor=officer(3), at=AT
        )
    until = datetime(2025, 7, 3, 16, tzinfo=UTC)
    application = reload(application)
    assert (application.status, application.supplement_until) == ("supplement", until)

    filing.upload(application, "contract", b"%PDF-1.7 sealed", at=until - DAY)
    submitting.supplement(
        application=application, actor=applicant(application), at=until - timedelta(0, 0, 1), note="已补"
    )

    assert status(application) == "district_review"
    with pytest.raises(refusals.TooLate):
        submitting.supplement(application=late, actor=applicant(late), at=until)
    sweeping.lapse_supplements(at=until - timedelta(0, 0, 1))
    assert status(late) == "supplement"
    assert sweeping.lapse_supplements(at=until) == 1
    assert status(late) == "lapsed"
    assert filing.submitted(procedure, contract_no=" ｂ ").status == "district_review"


def proposed(procedure):
    application = filing.submitted(procedure, contract_no=f"N{next(scenes.numbers)}")
    for number in (3, 4, 5):
        application = filing.passed(reload(application), number)
    publicity.publish(applications=[application], actor=officer(1), at=AT)
    return reload(application)


def test_an_objection_stops_an_award_until_it_is_answered(procedure):
    application = proposed(procedure)
    told = {"name": "张三", "contact": "13900000000", "at": AT + DAY}
    first = publicity.raise_objection(application=application, text="合同不真实", **told)
    second = publicity.raise_objection(application=application, text="同一合同重复申报", **told)
    with pytest.raises(IllegalMove):
        deciding.approve(application=application, actor=officer(2), at=AT + 9 * DAY)

    publicity.dismiss(objection=first, answer="经核实不成立", actor=officer(2), at=AT + DAY)
    assert status(application) == "objected"
    assert budget(procedure)[1] == 3_000_000
    publicity.dismiss(objection=second, answer="经核实不成立", actor=officer(2), at=AT + DAY)

    assert status(application) == "publicity"
    publicity.raise_objection(application=application, text="再议", **told)
    with pytest.raises(publicity.Decided):
        publicity.dismiss(objection=first, answer="不成立", actor=officer(2), at=AT + DAY)
    with pytest.raises(refusals.TooLate):
        publicity.raise_objection(application=application, text="晚", **(told | {"at": AT + 6 * DAY}))


def test_whoever_objects_too_often_keeps_nobody_else_from_objecting(procedure):
    application = proposed(procedure)
    spam = {"application": application, "text": "不实", "at": AT + DAY}
    for number in range(publicity.MOST_BY_ONE):
        publicity.raise_objection(name=f"甲{number}", contact="Spam@example.cn", **spam)

    with pytest.raises(publicity.TooManyObjections):
        publicity.raise_objection(name="乙", contact=" spam@example.cn ", **spam)
    for number in range(51):
        publicity.raise_objection(name="丙", contact=f"1390000{number:04}", **spam)
    assert application.objections.count() == publicity.MOST_BY_ONE + 51


def test_an_upheld_objection_frees_the_budget_and_others_review_anew(procedure):
    application, turned_down = proposed(procedure), proposed(procedure)
    assert budget(procedure) == (100_000_000, 6_000_000)
    told = {"name": "李四", "contact": "li@example.cn", "text": "查重", "at": AT}
    objections = [publicity.raise_objection(application=one, **told) for one in (application, turned_down)]

    publicity.uphold(objection=objections[0], answer="成立，重新评审", actor=officer(2), at=AT)
    publicity.uphold(objection=objections[1], answer="成立", actor=officer(2), at=AT, review_again=False)

    assert budget(procedure) == (100_000_000, 0)
    application = reload(application)
    assert (application.status, application.cycle, application.reserved_fen) == ("district_review", 2, 0)
    assert reload(turned_down).reason_code == "objection"
    for number in (3, 4, 5):
        application = filing.passed(reload(application), number)
    assert budget(procedure) == (100_000_000, 3_000_000)


def test_a_rejection_may_be_appealed_against_in_time_and_is_decided_by_another(procedure):
    application = filing.submitted(procedure, contract_no="C")
    refusal = {"reason_code": "evidence", "reason": "合同与发票不符", "no_interest": True}
    reviewing.reject(application=application, stage="district_review", actor=officer(2), at=AT, **refusal)
    application = reload(application)
    until = datetime(2025, 7, 10, 16, tzinfo=UTC)
    assert (application.status, application.appeal_until) == ("rejected", until)
    with pytest.raises(refusals.TooLate):
        deciding.appeal(application=application, text="晚了", actor=applicant(application), at=until)

    appeal = deciding.appeal(
        application=application, text="发票为红冲后重开", actor=applicant(application), at=until - DAY
    )

    with pytest.raises(deciding.AppealExists):
        deciding.appeal(application=application, text="再来", actor=applicant(application), at=AT)
    with pytest.raises(refusals.NotAStranger):
        deciding.decide_appeal(made=appeal, upheld=True, answer="可", actor=officer(2), at=AT)
    deciding.decide_appeal(made=appeal, upheld=True, answer="可", actor=officer(6), at=AT)
    application = reload(application)
    assert (application.status, application.cycle, application.reason) == ("district_review", 2, "")
    with pytest.raises(deciding.AppealDecided):
        deciding.decide_appeal(made=appeal, upheld=False, answer="否", actor=officer(6), at=AT)


NEW = {"code": "NEW", "bp": 6_000, "when": {"op": "lt", "fact": "established_days", "value": 365}}
TIERS = [NEW, {"code": "BASE", "bp": 5_000, "priority": 1}]


@pytest.mark.parametrize(("days", "ratio_bp"), [(300, 6_000), (364, 6_000), (365, 5_000)])
def test_s10_what_a_firm_stated_decides_its_tier_in_the_award_and_in_what_its_voucher_pays(programme, days, ratio_bp):
    procedure = filing.opened(amended(programme, award__tiers=TIERS), **filing.SIMPLE)
    facts = {"established_on": (AT.date() - timedelta(days=days)).isoformat(), "revenue_fen": 1}
    lines = [{"category": "GPU_TRAIN", "amount_fen": 200_000_000}]

    asked = filing.submitted(procedure, facts=facts, lines=lines, asked_fen=200_000_000)
    deciding.approve(application=asked, actor=officer(2), at=AT)

    granted = reload(asked).grant
    assert granted.face_fen == 200_000_000 * ratio_bp // 10_000
    later = scenes.hold(granted, 1_000_000, at=AT + 200 * DAY)  # it is judged as it was when it applied
    assert (later.amount_fen, later.ratio_bp) == (100 * ratio_bp, ratio_bp)
    assert later.explanation["case"] == {"facts": {"established_days": days}}
    stranger = scenes.hold(scenes.grant(procedure.programme), 1_000_000)
    assert stranger.ratio_bp == 5_000  # nothing is known of who did not apply
