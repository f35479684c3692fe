"""The queue of findings: each thing once, somebody's to look at, explained in time, and decided with a reason."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Interest, Membership, Role
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty, Partial
from core.errors import Forbidden, IllegalMove, NotFound
from core.periods import midnight
from tests.vouchers import cases, scenes
from tests.vouchers.scenes import AT, officer
from vouchers import workdays
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Finding, FindingRule, ForeignClaim, Tip
from vouchers.services import findings, foreign_claims, people, tips
from vouchers.services.foreign_claims import Row


def suspicion(key="k", **fields):
    return Suspicion(rule=Rule.SAME_JOB, severity=Weight.LOW, key=key, evidence={"times": 20}, **fields)


@pytest.fixture
def finding(grant):
    one = suspicion(subject_id=grant.owner_id, programme_id=grant.programme_id, grant_id=grant.pk)
    findings.record(suspicions=[one], at=AT)
    return Finding.objects.get()


def mine(finding, number=1):
    return findings.assign(finding=finding, to=officer(number).user, actor=officer(number), at=AT)


def test_a_thing_is_found_once_however_often_a_rule_finds_it(db):
    assert findings.record(suspicions=[suspicion(), suspicion(), suspicion("other")], at=AT) == 2
    assert findings.record(suspicions=[suspicion()], at=AT + timedelta(days=1)) == 0

    assert Finding.objects.count() == 2
    for values in ({"amount_fen": 1}, {"evidence": {}}, {"severity": "high"}):
        with pytest.raises(IntegrityError, match="as it was found"), transaction.atomic():
            Finding.objects.update(**values)


def test_who_looks_at_a_finding_asks_and_decides_with_a_reason(finding, grant):
    for act in (findings.ask, lambda **facts: findings.decide(decision="upheld", reason="x", **facts)):
        with pytest.raises(findings.NotYours):
            act(finding=finding, actor=officer(1), at=AT)
    mine(finding)
    mine(finding, 2)
    with pytest.raises(findings.NotYours):
        findings.ask(finding=finding, actor=officer(1), at=AT)
    asked = findings.ask(finding=finding, actor=officer(2), at=AT)
    findings.ask(finding=finding, actor=officer(2), at=AT + timedelta(days=1))
    assert asked.answer_due_at == midnight(date(2025, 7, 15))  # ten working days after 30 June are 1 to 14 July

    owner = cases.speaks_for(grant.owner)
    with pytest.raises(NotFound):
        findings.answer(finding=finding, text="x", actor=cases.speaks_for(scenes.buyer()), at=AT)
    findings.answer(finding=finding, text="Nightly tests.", actor=owner, at=AT)
    with pytest.raises(findings.AnswerOver):
        findings.answer(finding=finding, text="Again.", actor=owner, at=AT)
    with pytest.raises(findings.ReasonMissing):
        findings.decide(finding=finding, decision="explained", reason=" ", actor=officer(2), at=AT)

    decided = findings.decide(finding=finding, decision="explained", reason="Plausible.", actor=officer(2), at=AT)
    assert (decided.status, decided.answer, decided.reason) == ("explained", "Nightly tests.", "Plausible.")
    with pytest.raises(IllegalMove):
        mine(finding)


def test_who_has_an_interest_in_either_party_does_not_decide(grant):
    seller = scenes.provider()
    findings.record(suspicions=[suspicion(subject_id=grant.owner_id, counterparty_id=seller.pk)], at=AT)
    finding = mine(Finding.objects.get(), 2)
    Interest.objects.create(user=officer(2).user, organization=seller, note="a cousin's firm", declared_at=AT)

    decision = {"finding": finding, "decision": "dismissed", "reason": "x", "actor": officer(2), "at": AT}
    with pytest.raises(Partial):
        findings.decide(**decision)
    assert findings.decide(**decision | {"finding": mine(finding, 3), "actor": officer(3)}).status == "dismissed"


def test_an_answer_comes_in_time_and_an_overdue_one_is_seen(finding, grant):
    mine(finding)
    asked = findings.ask(finding=finding, actor=officer(1), at=AT)

    assert findings.waiting(findings=[asked], at=asked.answer_due_at) == [asked]
    assert findings.waiting(findings=[asked], at=asked.answer_due_at - timedelta(seconds=1)) == []
    with pytest.raises(findings.AnswerOver):
        findings.answer(finding=asked, text="x", actor=cases.speaks_for(grant.owner), at=asked.answer_due_at)


def test_nobody_is_asked_about_what_concerns_nobody(db):
    findings.record(suspicions=[suspicion()], at=AT)

    with pytest.raises(findings.NobodyToAsk):
        findings.ask(finding=mine(Finding.objects.get()), actor=officer(1), at=AT)


def test_an_auditor_raises_findings_and_decides_none(grant):
    auditor = officer(7).user
    authority = grant.programme.authority
    Membership.objects.create(user=auditor, organization=authority, role=Role.AUDITOR)
    speaking = Actor(user=auditor, organization=authority)

    found = findings.raise_by_hand(programme=grant.programme, grant=grant, text="Odd.", actor=speaking, at=AT)

    assert (found.rule, found.found_by, found.subject) == (FindingRule.MANUAL, auditor, grant.owner)
    with pytest.raises(Forbidden):
        findings.assign(finding=found, to=auditor, actor=speaking, at=AT)
    with pytest.raises(findings.ReasonMissing):
        findings.raise_by_hand(programme=grant.programme, text=" ", actor=speaking, at=AT)
    with pytest.raises(Forbidden):
        findings.raise_by_hand(programme=scenes.published(), text="x", actor=speaking, at=AT)
    with pytest.raises(people.PersonNeeded):
        findings.raise_by_hand(programme=grant.programme, text="x", actor=Actor(), at=AT)
    with pytest.raises(NotYourDuty):
        findings.assign(finding=found, to=auditor, actor=Actor(user=officer(8).user, organization=authority), at=AT)


def test_who_raised_a_finding_does_not_decide_it(grant):
    found = findings.raise_by_hand(programme=grant.programme, text="Odd.", actor=officer(1), at=AT)
    mine(found)

    with pytest.raises(people.MakerIsChecker):
        findings.decide(finding=found, decision="upheld", reason="x", actor=officer(1), at=AT)


def test_a_tip_becomes_a_finding_about_the_firm_that_it_names_exactly(grant):
    tips.receive(text=" They resell the cards.\x00", about=grant.owner.name, contact="", at=AT)
    tips.receive(text="Somebody does.", about="nobody we know", contact="13800138000", at=AT)
    with pytest.raises(tips.NothingSaid):
        tips.receive(text=" \x00 ", about="", contact="", at=AT)

    assert [one.text for one in Tip.objects.order_by("pk")] == ["They resell the cards.", "Somebody does."]
    assert [one.subject for one in Finding.objects.order_by("pk")] == [grant.owner, None]
    assert "13800138000" not in str(list(Finding.objects.values_list("evidence", flat=True)))


def test_a_list_of_another_department_is_taken_whole_or_not_at_all(db):
    good = [Row("contract", "BJ-2026-001", "91440300MA5EQXL17P", 5), Row("invoice", "25117000000123456789")]

    assert foreign_claims.take(department="tax", rows=good, actor=officer(1), at=AT) == 2
    assert foreign_claims.take(department="tax", rows=good, actor=officer(1), at=AT) == 0
    for rows in ([], [*good, Row("letter", "1")], [Row("contract", " - ")], [Row("contract", "1", "", -1)]):
        with pytest.raises(foreign_claims.BadList):
            foreign_claims.take(department="tax", rows=rows, actor=officer(1), at=AT)
    with pytest.raises(foreign_claims.BadList):
        foreign_claims.take(department=" ", rows=good, actor=officer(1), at=AT)
    assert ForeignClaim.objects.count() == 2


@pytest.mark.parametrize(
    ("day", "count", "last"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # a Saturday at work before the Spring Festival
        (date(2026, 2, 14), 1, date(2026, 2, 24)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),  # a Sunday at work after New Year
        (date(2024, 2, 8), 2, date(2024, 2, 18)),
        (date(2027, 1, 1), 1, date(2027, 1, 4)),  # not arranged yet: Monday to Friday
        (date(2025, 6, 30), 0, date(2025, 6, 30)),
    ],
)
def test_working_days_follow_the_arrangement_of_the_state_council(day, count, last):
    assert workdays.after(day, count) == last
    assert [workdays.is_known(year) for year in (2023, 2024, 2026, 2027)] == [False, True, True, False]
