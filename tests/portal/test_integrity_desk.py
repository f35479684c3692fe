"""The desk of integrity: findings, freezes, clawbacks and firms, by people who may not do each other's work."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Role, SavedView
from core.periods import HOUR, midnight
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import NOW, World
from tests.vouchers import cases, claims
from tests.vouchers import scenes as vouchers
from vouchers import ports
from vouchers.cycles import Period
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import (
    Blacklisting,
    Claim,
    Clawback,
    ClawbackDocument,
    Finding,
    Freeze,
    Grant,
    PaymentBatch,
    Redemption,
)
from vouchers.services import blacklisting, clawbacks, findings, grants, registry, tips
from vouchers.services.claims import bank_results, steps

MOST_QUERIES = 15
AUTUMN = Period(date(2026, 7, 1), date(2026, 10, 1))
PDF = b"%PDF-1.4 evidence"
CASE = re.compile(r'name="case" value="([^"]+)"')


@pytest.fixture
def staffed(world: World) -> World:
    """The world, with a second and a third officer, and an operator's reviewer."""
    for name, organization, role in [
        ("officer3", world.authority, Role.OWNER),
        ("operator3", world.operator, Role.REVIEWER),
        ("treasurer2", world.authority, Role.FINANCE),
    ]:
        worlds.person(world, name, organization, role)
    return world


@pytest.fixture
def courier() -> Iterator[claims.Courier]:
    """Somebody who knows which provider served what, in place of the market."""
    before = ports.deliveries()
    yield claims.courier()
    ports.register(before)


@pytest.fixture
def spent(staffed: World) -> Redemption:
    """What the voucher paid in three hours: 26.40 yuan, without the market around it."""
    wish = {"at": NOW, "providers": [staffed.provider]}
    redemption = vouchers.hold(staffed.grant, 100_00, **wish)
    for number in range(3):
        vouchers.capture(redemption, 880, used_at=NOW - number * HOUR, at=NOW)
    redemption.refresh_from_db()
    return redemption


def suspicion(world: World, key: str = "k", rule: Rule = Rule.METER_MISMATCH, **fields: Any) -> Finding:
    terms = {
        "severity": Weight.HIGH,
        "evidence": {"metered_ms": 7_200_000, "billed_ms": 14_400_000},
        "subject_id": world.buyer.pk,
        "counterparty_id": world.provider.pk,
        "programme_id": world.programme.pk,
        "grant_id": world.grant.pk,
        "amount_fen": 2_640,
    } | fields
    findings.record(suspicions=[Suspicion(rule=rule, key=key, **terms)], at=NOW)
    return Finding.objects.get(dedupe_key=key)


def page_of(thing: Finding | Clawback) -> str:
    return reverse(f"portal:{thing._meta.model_name}", args=[thing.pk])


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def verbs(client: Client, address: str) -> set[str]:
    """Return what a page offers to do."""
    return set(re.findall(r'name="verb" value="([a-z-]+)"', client.get(address).content.decode()))


def set_clock(settings: Any, at: Any) -> None:
    Path(settings.REHEARSAL_CLOCK).write_text(at.isoformat(), encoding="ascii")


def clocks(answer: Any) -> list[tuple[str, str]]:
    """Return what the rows of a queue say of the time that they have left: the tone, and the words."""
    return re.findall(r'<span class="clock (\w*)">([^<]+)</span>', answer.content.decode())


def test_a_finding_becomes_a_case_that_others_decide_and_finance_writes_off(
    spent: Redemption, staffed: World, courier: claims.Courier, sign_in: SignIn
) -> None:
    found = suspicion(staffed, redemption_id=spent.pk)
    uphold_the_finding(found, staffed, sign_in)
    case = open_the_case(found, spent, staffed, sign_in)
    answer_the_notice(case, sign_in)
    decide_the_case(case, staffed, sign_in)
    get_it_back(case, staffed, courier, sign_in)
    appeal_against_it(case, staffed, sign_in)


def uphold_the_finding(found: Finding, world: World, sign_in: SignIn) -> None:
    reviewer = sign_in("officer1")
    # The reviewer takes the finding and upholds it; nothing else is theirs to do.
    shown = reviewer.get(page_of(found)).content.decode()
    assert [text in shown for text in ("2.000", "4.000", "¥26.40", world.buyer.name)] == [True] * 4
    reviewer.post(page_of(found), {"verb": "take"})
    assert verbs(reviewer, page_of(found)) == {"assign", "ask", "uphold", "explain", "dismiss"}
    assert reviewer.post(page_of(found), {"verb": "uphold", "reason": ""}).context["form"].errors["reason"]
    reviewer.post(page_of(found), {"verb": "uphold", "reason": "计量记录与账单不符"})
    found.refresh_from_db()
    assert (found.status, found.decided_by) == ("upheld", world.people["officer1"])


def open_the_case(found: Finding, spent: Redemption, world: World, sign_in: SignIn) -> Clawback:
    reviewer, owner, judge = sign_in("officer1"), sign_in("officer2"), sign_in("officer3")
    # An owner freezes the grant with the finding as evidence, and opens a case about the whole order.
    owner.post(page_of(found), {"verb": "freeze", "reason": "核查期间冻结"})
    freeze = Freeze.objects.get()
    assert (freeze.ground, freeze.finding, freeze.grant.status) == ("usage", found, "frozen")
    opening = f"{reverse('portal:clawback-new', args=[world.grant.pk])}?finding={found.pk}"
    assert 'value="26.40"' in owner.get(opening).content.decode()
    terms = {"reason": "计量异常", "debtor": str(world.provider.pk), f"amount_{spent.pk}": "26.40"}
    assert reviewer.post(opening, terms).status_code == 403
    beyond = owner.post(opening, terms | {f"amount_{spent.pk}": "26.41"})
    assert beyond.context["form"].non_field_errors()
    owner.post(opening, terms)
    case = Clawback.objects.get()
    assert (case.finding, sum(item.amount_fen for item in case.items.all())) == (found, 2_640)
    assert owner.post(opening, terms).context["form"].errors, "nothing is taken back twice"
    assert verbs(owner, page_of(case)) == {"hold"}
    owner.post(page_of(case), {"verb": "hold"})
    assert owner.post(page_of(case), {"verb": "notify", "notice": " "}).context["form"].errors["notice"]
    assert "26.40" in owner.get(page_of(case)).context["form"]["notice"].value()
    owner.post(page_of(case), {"verb": "notify", "notice": "请说明计量差异。"})
    file = SimpleUploadedFile("计量.pdf", PDF)
    owner.post(reverse("portal:clawback-add", args=[case.pk]), {"file": file})
    secret = {"file": SimpleUploadedFile("证言.pdf", PDF + b"3"), "withheld_because": "涉及他人个人信息"}
    owner.post(reverse("portal:clawback-add", args=[case.pk]), secret)
    assert verbs(judge, page_of(case)) == {"dismiss"}, "there is still time to answer"
    return case


def answer_the_notice(case: Clawback, sign_in: SignIn) -> None:
    judge = sign_in("officer3")
    # The firm answers in time, with a file.
    answer, firm = reverse("portal:notice-answer", args=[case.pk]), sign_in("seller")
    wrong = firm.post(answer, {"text": "见附件", "proof": SimpleUploadedFile("x.exe", b"MZ")})
    assert wrong.context["form"].non_field_errors()
    assert not case.answers.exists()
    firm.post(answer, {"text": "夜间测试。", "proof": [SimpleUploadedFile("作业.pdf", PDF + b"2")]})
    theirs = ClawbackDocument.objects.get(answer__isnull=False)
    mine = reverse("portal:notice-document", args=[case.pk, theirs.pk])
    assert firm.get(mine).content == PDF + b"2"
    ours, secret = ClawbackDocument.objects.of_the_officers().order_by("pk")
    assert firm.get(reverse("portal:notice-document", args=[case.pk, ours.pk])).content == PDF
    assert firm.get(reverse("portal:notice-document", args=[case.pk, secret.pk])).status_code == 404
    shown = firm.get(reverse("portal:notice", args=[case.pk])).content.decode()
    assert ("计量.pdf" in shown, "证言.pdf" in shown, "涉及他人个人信息" in shown) == (True, False, True)
    kept = judge.get(reverse("portal:clawback-document", args=[case.pk, theirs.pk]))
    assert (kept.content, kept["X-Content-Type-Options"]) == (PDF + b"2", "nosniff")


def decide_the_case(case: Clawback, world: World, sign_in: SignIn) -> None:
    owner, judge = sign_in("officer2"), sign_in("officer3")
    # A third person decides; whoever raised the case is not even offered it, and the service refuses them.
    assert verbs(owner, page_of(case)) == set()
    assert owner.post(page_of(case), {"verb": "uphold", "reason": "x"}).context["form"].non_field_errors()
    assert verbs(judge, page_of(case)) == {"uphold", "dismiss"}
    judge.post(page_of(case), {"verb": "uphold", "reason": "作业记录不能证明"})
    case.refresh_from_db()
    assert (case.status, case.demand_fen, case.decided_by) == ("demanded", 2_640, world.people["officer3"])
    assert case.calculation["steps"][0]["taken_fen"] == case.calculation["principal_fen"] == 2_640
    late = SimpleUploadedFile("late.pdf", PDF + b"3")
    judge.post(reverse("portal:clawback-add", args=[case.pk]), {"file": late})
    assert ClawbackDocument.objects.count() == 3
    assert Blacklisting.objects.get().organization == world.provider
    assert "金额如何计算" in sign_in("seller").get(reverse("portal:notice", args=[case.pk])).content.decode()


def get_it_back(case: Clawback, world: World, courier: claims.Courier, sign_in: SignIn) -> None:
    judge, finance, second = sign_in("officer3"), sign_in("treasurer"), sign_in("treasurer2")
    assert (verbs(judge, page_of(case)), verbs(finance, page_of(case))) == ({"plan"}, {"recover"})

    # Finance writes a repayment down; a payment to the debtor sets the rest off, released by a second person.
    sent = {"verb": "recover", "amount": "10.00", "reference": "bank-1"}
    assert judge.post(page_of(case), sent).context["form"].non_field_errors()
    assert finance.post(page_of(case), sent | {"reference": ""}).context["form"].errors["reference"]
    finance.post(page_of(case), sent)
    assert "¥16.40" in judge.get(page_of(case)).content.decode()
    claim = approved_claim(world, courier)
    finance.post(reverse("portal:payments-make"), {"claim": str(claim.pk)})
    batch = PaymentBatch.objects.get()
    assert (batch.offset_fen, batch.total_fen) == (1_640, claim.approved_fen - 1_640)
    second.post(reverse("portal:payment-act", args=[batch.pk, "release"]))
    bank_results.take(
        batch=batch, content=claims.answer(batch), actor=world.actor("treasurer", world.authority), at=NOW
    )
    case.refresh_from_db()
    assert (case.status, case.offset_fen, case.recovered_fen, case.outstanding_fen) == ("recovered", 1_640, 1_000, 0)
    with CaptureQueriesContext(connection) as queries:
        told = judge.get(page_of(case)).content.decode()
    assert len(queries) <= 24
    assert [text in told for text in ("bank-1", "作业.pdf", "作业记录不能证明", "夜间测试。")] == [True] * 4
    exported = b"".join(judge.get(f"{reverse('portal:clawbacks-export')}?state=recovered").streaming_content).decode()
    assert f"{world.provider.name},{world.provider.credit_code}" in exported


def appeal_against_it(case: Clawback, world: World, sign_in: SignIn) -> None:
    firm, owner, judge, finance = (sign_in(name) for name in ("seller", "officer2", "officer3", "treasurer"))
    worlds.person(world, "officer4", world.authority, "owner")
    fourth = sign_in("officer4")
    page, appeal = reverse("portal:notice", args=[case.pk]), reverse("portal:notice-appeal", args=[case.pk])
    # The firm appeals once, with a file; meanwhile nothing is enforced.
    assert "notice-appeal" not in owner.get(page_of(case)).content.decode()
    assert appeal in firm.get(page).content.decode()
    assert firm.post(appeal, {"text": ""}).context["appeal_form"].errors["text"]
    wrong = firm.post(appeal, {"text": "见附件", "proof": SimpleUploadedFile("x.exe", b"MZ")})
    assert (bool(wrong.context["appeal_form"].non_field_errors()), hasattr(case, "appeal")) == (True, False)
    firm.post(appeal, {"text": "日志可证。", "proof": [SimpleUploadedFile("日志.pdf", PDF + b"4")]})
    waiting = firm.get(page).content.decode()
    assert ["日志可证。" in waiting, "日志.pdf" in waiting, appeal in waiting] == [True, True, False]
    assert firm.post(appeal, {"text": "再诉"}).context["appeal_form"].non_field_errors()
    # Whoever raised, notified or decided the case is not offered the decision, and the service refuses them.
    assert (verbs(owner, page_of(case)), verbs(judge, page_of(case))) == (set(), set())
    assert judge.post(page_of(case), {"verb": "quash", "reason": "x"}).context["form"].non_field_errors()
    assert len(fourth.get(f"{reverse('portal:clawbacks')}?flag=appealed").context["page"].rows) == 1
    assert verbs(fourth, page_of(case)) == {"stand", "reduce", "quash"}
    whole = fourth.post(page_of(case), {"verb": "reduce", "reason": "部分属实", "amount": "26.40"})
    assert whole.context["form"].non_field_errors()
    fourth.post(page_of(case), {"verb": "reduce", "reason": "部分属实", "amount": "6.40"})
    case.refresh_from_db()
    assert (case.status, case.remitted_fen, case.restored_fen, case.suspended_at) == ("recovered", 2_000, 2_000, None)
    # Finance gives back what came back of the rest.
    assert (verbs(fourth, page_of(case)), verbs(finance, page_of(case))) == (set(), {"give-back"})
    finance.post(page_of(case), {"verb": "give-back", "amount": "20.00", "reference": "back-1"})
    assert verbs(finance, page_of(case)) == set()
    with CaptureQueriesContext(connection) as queries:
        shown = firm.get(page).content.decode()
    assert len(queries) <= 24
    assert ["部分属实" in shown, "back-1" in shown, "officer4" in shown] == [True, True, False]


def another_grant(world: World) -> Grant:
    """Return a grant of another firm in the same programme: the first one is revoked."""
    maker, checker = world.actor("officer1", world.authority), world.actor("officer2", world.authority)
    at = worlds.LAST_MONTH
    made = grants.propose(programme=world.programme, owner=scenes.buyer(), face_fen=100_000, actor=maker, at=at)
    return grants.approve(grant=made, actor=checker, at=at)


def approved_claim(world: World, courier: claims.Courier) -> Claim:
    """Return a claim of the provider for September, approved and with finance."""
    claims.captured(another_grant(world), 1_000_00, courier, world.provider, at=worlds.LAST_MONTH)
    claim = claims.assembled(world.programme, at=NOW, period=AUTUMN)
    claim = claims.decided(claims.sampled(claims.submitted(claim, at=NOW), at=NOW), at=NOW)
    claims.account(world.provider, at=NOW)
    steps.take_over(claim=claim, actor=world.actor("treasurer", world.authority), at=NOW)
    return claim


# Who may do what, whatever a page would offer: the name of the address, what is sent, and who is let through.
ACTS: list[tuple[str, str, dict[str, str], set[str]]] = [
    ("finding", "take", {}, {"officer1", "officer2", "operator3"}),
    ("finding", "dismiss", {"reason": "x"}, {"officer1", "officer2", "operator3"}),
    ("finding", "freeze", {"reason": "x"}, {"officer2", "operator3"}),
    ("clawback", "hold", {}, {"officer2", "operator3"}),
    ("clawback", "dismiss", {"reason": "x"}, {"officer2"}),
]
PEOPLE = ["officer1", "officer2", "treasurer", "auditor", "district1", "expert1", "operator1", "operator3", "buyer"]


@contextmanager
def undone() -> Iterator[None]:
    """Let everything be as it was before."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_each_act_is_done_by_those_whose_duty_it_is(spent: Redemption, staffed: World, sign_in: SignIn) -> None:
    things: dict[str, Any] = {"finding": suspicion(staffed)}
    things["clawback"] = cases.suspected(staffed.grant, list(spent.captures.all()), at=NOW)
    clients = {who: sign_in(who) for who in PEOPLE}

    for kind, verb, terms, allowed in ACTS:
        thing, did = things[kind], set()
        before = type(thing).objects.values().get(pk=thing.pk)
        for who, client in clients.items():
            with undone():
                answer = client.post(page_of(thing), {"verb": verb} | terms)
                changed = type(thing).objects.values().get(pk=thing.pk) != before or Freeze.objects.exists()
                did |= {who} if changed else set()
            assert answer.status_code in (200, 302, 403, 404)
        assert (kind, verb, did) == (kind, verb, allowed)


def test_the_queue_is_filtered_saved_exported_and_worked_off_in_bulk(
    staffed: World, sign_in: SignIn, settings: Any
) -> None:
    world = staffed
    for number in range(26):
        suspicion(world, f"old/{number}", Rule.PRICE_OUTLIER, severity=Weight.LOW, evidence={"price_micro": 2_200_000})
    urgent = suspicion(world, "k", Rule.CIRCULAR_TRADE, evidence={"sold_back": [sold(world)], "within_days": 90})
    tip = tips.receive(text="=转卖算力", about=world.buyer.name, contact="13800138000", at=NOW)
    stray = tips.receive(text="有人转卖", about="不知名公司", contact="", at=NOW)
    reader, other = sign_in("officer1"), sign_in("operator3")

    with CaptureQueriesContext(connection) as queries:
        page = reader.get(reverse("portal:findings")).content.decode()
    assert len(queries) <= MOST_QUERIES
    assert CASE.findall(page)[0] == f"{urgent.pk}:open", "what is due first comes first"
    queue = reverse("portal:findings")
    for query, number in {
        "rule=TIP": 1,
        "state=live&severity=high&q=" + world.provider.name: 1,
        "q=" + world.buyer.credit_code + "&severity=high": 1,
        f"programme={world.programme.pk}&severity=high": 1,
        "whose=me": 0,
        "whose=none&severity=high": 1,
        "flag=overdue": 0,
        "flag=soon&state=dismissed": 0,
        "flag=answered": 0,
        "rule=nonsense&q=%00&severity=high": 1,
    }.items():
        found = CASE.findall(reader.get(f"{queue}?{query}").content.decode())
        assert (query, len(found)) == (query, number)
    assert len(CASE.findall(other.get(f"{queue}?rule=TIP").content.decode())) == 2, (
        "the operator sees what names nobody"
    )
    assert reader.get(page_of(stray.finding)).status_code == 404
    assert verbs(other, page_of(stray.finding)) == {"take", "assign", "dismiss", "hand-over"}
    nowhere = other.post(page_of(stray.finding), {"verb": "hand-over"})
    assert nowhere.context["form"].errors["programme"]
    other.post(page_of(stray.finding), {"verb": "hand-over", "programme": str(world.programme.pk)})
    assert reader.get(page_of(stray.finding)).status_code == 200
    again = {"verb": "hand-over", "programme": str(world.programme.pk)}
    assert other.post(page_of(stray.finding), again).context["form"].non_field_errors()
    with pytest.raises(IntegrityError, match="as it was found"), transaction.atomic():
        Finding.objects.filter(pk=stray.finding.pk).update(programme=None)
    tipped = reader.get(page_of(tip.finding)).content.decode()
    assert ("13800138000" in tipped, str(tip.pk) in tipped) == (True, True)
    assert sign_in("treasurer").get(page_of(tip.finding)).content.decode().count("13800138000") == 0
    circle = reader.get(page_of(urgent)).content.decode()
    assert [text in circle for text in (world.provider.name, "¥123.45", "90")] == [True] * 3
    exported = b"".join(reader.get(f"{reverse('portal:findings-export')}?severity=low").streaming_content)
    assert len(exported.decode("utf-8-sig").splitlines()) == 27
    reader.post(reverse("portal:saved-view", args=["findings"]), {"name": "价格", "query": "rule=PRICE_OUTLIER"})
    assert SavedView.objects.get().page == "findings"

    chosen = CASE.findall(reader.get(f"{queue}?severity=low").content.decode())

    def bulk(verb: str, of: list[str], **terms: Any) -> list[str]:
        sent = {"verb": verb, "case": of, "query": "severity=low"} | terms
        return said(reader.post(reverse("portal:findings-bulk"), sent, follow=True))

    assert bulk("take", chosen[:2]) == ["已处理 2 条线索。"]
    assert len(bulk("dismiss", chosen[:2])) == 2, "stale: they are assigned by now"
    assert len(bulk("dismiss", chosen[2:5], reason="")) == 3
    assert bulk("dismiss", chosen[2:8], reason="价格在合理区间") == ["已处理 6 条线索。"]
    assert Finding.objects.filter(status="dismissed", decided_by=world.people["officer1"]).count() == 6
    bulk("assign", [one.replace(":open", ":assigned") for one in chosen[:2]], assignee=str(world.people["officer2"].pk))
    assert Finding.objects.filter(assigned_to=world.people["officer2"]).count() == 2
    assert bulk("take", []) == ["请至少选择一条线索，并检查所填内容。"]
    address = reverse("portal:findings-bulk")
    assert reader.post(address, {"verb": "take", "case": "nonsense:open"}).status_code == 404
    assert reader.post(address, {"verb": "uphold", "case": chosen[0]}).status_code == 404
    assert sign_in("auditor").post(address, {"verb": "take", "case": chosen[0]}).status_code == 404

    tell_the_time_left(reader, queue, urgent, settings)


def tell_the_time_left(reader: Client, queue: str, urgent: Finding, settings: Any) -> None:
    """Read how much time the queue says that an urgent finding has left, and that what is decided is not late."""
    set_clock(settings, urgent.due_at - 2 * HOUR)
    assert clocks(reader.get(f"{queue}?severity=high")) == [("soon", "剩余 2 小时")]
    set_clock(settings, urgent.due_at + 72 * HOUR)
    assert clocks(reader.get(f"{queue}?severity=high")) == [("late", "已超时 3 天")]
    assert clocks(reader.get(f"{queue}?state=dismissed")) == []


def sold(world: World) -> dict[str, Any]:
    return {"to": str(world.provider.pk), "on": "2026-10-01", "amount_fen": 123_45}


def test_an_auditor_raises_a_finding_and_another_person_decides_it(staffed: World, sign_in: SignIn) -> None:
    world, auditor = staffed, sign_in("auditor")
    address = f"{reverse('portal:finding-new')}?grant={world.grant.pk}"
    terms = {"programme": str(world.programme.pk), "severity": "high", "text": "同一作业反复计费"}

    assert world.buyer.credit_code in auditor.get(address).content.decode()
    assert auditor.post(address, terms | {"credit_code": "NOBODY"}).context["form"].errors["credit_code"]
    assert auditor.post(address, terms | {"text": " "}).context["form"].errors["text"]
    assert auditor.get(f"{reverse('portal:finding-new')}?grant=x").status_code == 404
    auditor.post(address, terms | {"credit_code": world.buyer.credit_code.lower()})
    found = Finding.objects.get()
    assert (found.rule, found.grant, found.subject, found.found_by) == (
        "MANUAL",
        world.grant,
        world.buyer,
        world.people["auditor"],
    )
    assert verbs(auditor, page_of(found)) == set()
    raised = findings.raise_by_hand(
        programme=world.programme, text="x", actor=world.actor("officer1", world.authority), at=NOW
    )
    reviewer = sign_in("officer1")
    assert verbs(reviewer, page_of(raised)) == {"take", "assign"}, "who raised it does not decide it"
    assert reviewer.post(page_of(raised), {"verb": "assign"}).context["form"].errors["assignee"]
    reviewer.post(page_of(raised), {"verb": "assign", "assignee": str(world.people["officer2"].pk)})
    owner = sign_in("officer2")
    following = owner.post(f"{page_of(raised)}?state=live", {"verb": "dismiss", "reason": "不属实"})
    assert following["Location"] == f"{page_of(found)}?state=live", "the next finding comes"
    last = owner.post(f"{page_of(found)}?state=live", {"verb": "dismiss", "reason": "不属实"})
    assert last["Location"] == f"{reverse('portal:findings')}?state=live"
    assert owner.post(page_of(found), {"verb": "nonsense"}).status_code == 404
    assert "不属实" in auditor.get(page_of(found)).content.decode()


def test_freezes_are_listed_kept_and_lifted_by_another_person(staffed: World, sign_in: SignIn, settings: Any) -> None:
    world, owner, other = staffed, sign_in("officer2"), sign_in("officer3")
    firm = reverse("portal:firm-act", args=[world.buyer.pk, "freeze"])
    owner.post(firm, {"ground": "report", "reason": ""}, follow=True)
    assert not Freeze.objects.exists()
    owner.post(firm, {"ground": "report", "reason": "举报核查"}, follow=True)
    freeze = Freeze.objects.get()
    assert (freeze.grant, freeze.ground, freeze.review_due_at) == (
        world.grant,
        "report",
        midnight(date(2026, 11, 19)),
    )
    assert said(owner.post(firm, {"ground": "report", "reason": "x"}, follow=True)) == ["该企业在此没有可用的券。"]
    with CaptureQueriesContext(connection) as queries:
        shown = owner.get(reverse("portal:freezes")).content.decode()
    assert len(queries) <= MOST_QUERIES
    assert ("举报核查" in shown, "freeze-act" in shown, "您冻结的券须由另一人解除" in shown) == (True, False, True)
    assert "继续冻结" not in sign_in("treasurer").get(reverse("portal:freezes")).content.decode()

    def act(client: Client, verb: str, **terms: str) -> list[str]:
        return said(client.post(reverse("portal:freeze-act", args=[freeze.pk, verb]), terms, follow=True))

    set_clock(settings, freeze.review_due_at)
    assert f"/{freeze.pk}/" in owner.get(f"{reverse('portal:freezes')}?state=overdue&ground=report").content.decode()
    for until in ("", "2026-11-01", "2027-12-01", "nonsense"):
        assert act(owner, "keep", reason="x", until=until) == ["请选择三个月内的日期。"]
    assert act(owner, "keep", reason="仍在核查", until="2026-12-20") == ["已记录。"]
    freeze.refresh_from_db()
    assert freeze.review_due_at == midnight(date(2026, 12, 20))
    assert act(owner, "lift", reason="x") != ["已记录。"]
    assert act(other, "lift", reason=" ") == ["请说明原因。"]
    assert act(other, "lift", reason="核查完毕") == ["已记录。"]
    assert act(other, "keep", reason="x", until="2026-12-20") == ["该冻结已解除。"]
    assert other.post(reverse("portal:freeze-act", args=[freeze.pk, "nonsense"])).status_code == 404
    listed = other.get(f"{reverse('portal:freezes')}?state=lifted&q={world.buyer.credit_code}").content.decode()
    assert "核查完毕" in listed
    one = reverse("portal:freeze-new", args=[world.grant.pk])
    assert other.post(one, {"ground": "nonsense", "reason": "x"}).context["form"].errors["ground"]
    other.post(one, {"ground": "price", "reason": "价格异常"})
    assert Grant.objects.get().status == "frozen"
    assert other.post(one, {"ground": "price", "reason": "x"}).context["form"].non_field_errors()
    assert sign_in("officer1").post(one, {"ground": "price", "reason": "x"}).status_code == 403


def test_a_firm_is_seen_among_those_it_is_tied_to(staffed: World, spent: Redemption, sign_in: SignIn) -> None:
    world, owner = staffed, sign_in("officer2")
    holding = scenes.buyer("成都样例控股集团有限公司")
    cases.holds(holding, world.buyer, 6_000)
    cases.holds(holding, world.provider, 2_000)
    suspicion(world)
    page = reverse("portal:firm", args=[world.buyer.pk])

    with CaptureQueriesContext(connection) as queries:
        shown = owner.get(page).content.decode()
    assert len(queries) <= MOST_QUERIES
    for text in ("成都样例控股集", "60%", "持有", "¥26.40", "<svg", world.programme.name):
        assert (text, text in shown) == (text, True)
    assert reverse("portal:firm", args=[holding.pk]) not in shown, "the authority has nothing to do with it"
    assert owner.get(reverse("portal:firm", args=[holding.pk])).status_code == 404
    assert sign_in("operator3").get(reverse("portal:firm", args=[holding.pk])).status_code == 200
    provider = reverse("portal:firm", args=[world.provider.pk])
    applied = registry.apply(
        programme=world.programme,
        provider=world.provider,
        valid_from=date(2026, 10, 1),
        valid_until=date(2027, 10, 1),
        actor=world.actor("officer1", world.authority),
        at=NOW,
    )
    assert reverse("portal:registry-listing", args=[applied.pk]) in owner.get(provider).content.decode()
    listing = reverse("portal:firms")
    with CaptureQueriesContext(connection) as queries:
        owner.get(listing)
    assert len(queries) <= MOST_QUERIES
    counts = {
        flag: len(owner.get(f"{listing}?flag={flag}").context["page"].rows) for flag in ("found", "frozen", "owing")
    }
    assert counts == {"found": 1, "frozen": 0, "owing": 0}

    def act(client: Client, verb: str, **terms: str) -> list[str]:
        return said(client.post(reverse("portal:firm-act", args=[world.buyer.pk, verb]), terms, follow=True))

    for until in ("2020-01-01", "0001-01-01", "nonsense"):
        assert act(owner, "bar", until=until, reason="x") != ["已记录。"]
    assert act(owner, "bar", until="2027-01-01", reason="虚假材料") == ["已记录。"]
    bar = str(Blacklisting.objects.get().pk)
    assert act(owner, "unbar", bar=bar, reason="x") == ["您提交的事项须由另一人审批。"]
    assert [one.name for one in owner.get(f"{listing}?flag=barred&q=智能").context["page"].rows] == [world.buyer.name]
    assert "虚假材料" in owner.get(page).content.decode()
    assert act(sign_in("officer3"), "unbar", bar=bar, reason="更正") == ["已记录。"]
    assert Blacklisting.objects.get().lifted_by == world.people["officer3"]
    assert owner.post(reverse("portal:firm-act", args=[world.buyer.pk, "nonsense"])).status_code == 404
    barring = reverse("portal:firm-act", args=[world.buyer.pk, "bar"])
    again = owner.post(barring, {"until": "2026-13-45", "reason": "多次虚构用量"}).context["bar_form"]
    assert (bool(again.errors["until"]), again["reason"].value()) == (True, "多次虚构用量"), (
        "it need not be typed again"
    )
    assert act(sign_in("operator3"), "bar", until="2027-01-01", reason="x") != ["已记录。"]


def test_each_bar_is_lifted_on_its_own(staffed: World, sign_in: SignIn) -> None:
    owner, firm = staffed.actor("officer2", staffed.authority), staffed.buyer
    until = date(2027, 1, 1)
    bars = [
        blacklisting.bar(organization=firm, until=until, reason=reason, actor=owner, at=NOW)
        for reason in ("虚假材料", "虚构用量")
    ]
    judge, page = sign_in("officer3"), reverse("portal:firm", args=[firm.pk])

    def lift(bar: str, reason: str) -> Any:
        lifting = reverse("portal:firm-act", args=[firm.pk, "unbar"])
        return judge.post(lifting, {"bar": bar, "reason": reason}, follow=True)

    assert judge.get(page).content.decode().count('name="bar"') == 2
    assert said(lift(str(bars[0].pk), "材料已更正")) == ["已记录。"]

    lifted, standing = (Blacklisting.objects.get(pk=one.pk) for one in bars)
    assert (lifted.lift_reason, standing.lifted_at) == ("材料已更正", None)
    assert AuditEntry.objects.get(verb="organization.unbarred").after == {"reason": "材料已更正", "bar": str(lifted.pk)}
    assert f'value="{lifted.pk}"' not in judge.get(page).content.decode()
    of_another = blacklisting.bar(organization=staffed.provider, until=until, reason="x", actor=owner, at=NOW)
    for bar in (str(of_another.pk), str(uuid4())):
        assert said(lift(bar, "x")) == ["没有可由您解除的限制。"]
    refused = lift("nonsense", "x")
    assert said(refused) == ["请检查所填内容：必须填写理由。"]
    assert Blacklisting.objects.filter(lifted_at=None).count() == 2


def test_cases_are_listed_by_what_is_due_and_what_is_late_is_referred(
    spent: Redemption, staffed: World, sign_in: SignIn, settings: Any
) -> None:
    world, judge, listing = staffed, sign_in("officer3"), reverse("portal:clawbacks")
    owner = world.actor("officer2", world.authority)
    captures = list(spent.captures.order_by("pk"))
    opened = [cases.suspected(world.grant, [one], at=NOW) for one in captures[:2]]
    held = clawbacks.place_hold(clawback=opened[1], actor=owner, at=NOW)
    noticed = clawbacks.send_notice(clawback=held, notice="请说明。", actor=owner, at=NOW)
    dropped = cases.suspected(world.grant, captures[2:], at=NOW)
    judge.post(page_of(dropped), {"verb": "dismiss", "reason": ""})
    judge.post(page_of(dropped), {"verb": "dismiss", "reason": "不属实"})

    with CaptureQueriesContext(connection) as queries:
        rows = judge.get(listing).context["page"].rows
    assert len(queries) <= MOST_QUERIES
    assert [one.pk for one in rows] == [opened[0].pk, noticed.pk, dropped.pk]
    for query, number in {
        "state=open": 2,
        "state=owed": 0,
        "state=dismissed": 1,
        "flag=overdue": 0,
        "flag=soon": 0,
        "flag=not-mine": 3,
        f"programme={world.programme.pk}": 3,
        f"q={world.buyer.credit_code}": 3,
        "q=无此企业&programme=x": 0,
    }.items():
        assert (query, len(judge.get(f"{listing}?{query}").context["page"].rows)) == (query, number)
    assert "不予追回" in judge.get(page_of(dropped)).content.decode()
    assert sign_in("buyer").get(page_of(noticed)).status_code == 403

    set_clock(settings, noticed.response_due_at)
    assert clocks(judge.get(f"{listing}?flag=overdue")) == [("late", "已超时 7 天"), ("late", "已超时 1 小时")]
    assert verbs(judge, page_of(noticed)) == {"uphold", "dismiss"}, "silence is decided on"
    judge.post(page_of(noticed), {"verb": "uphold", "reason": "逾期未答复"})
    noticed.refresh_from_db()
    assert judge.post(page_of(noticed), {"verb": "plan", "parts": "tomorrow 1"}).context["form"].errors["parts"]
    assert judge.post(page_of(noticed), {"verb": "plan", "parts": "2026-12-01 1"}).context["form"].non_field_errors()
    assert judge.post(page_of(noticed), {"verb": "plan", "parts": "0001-01-01 8.80"}).context["form"].non_field_errors()
    judge.post(page_of(noticed), {"verb": "plan", "parts": "2026-11-20 5.80\n\n2026-11-27 3"})
    assert [one.amount_fen for one in noticed.instalments.order_by("number")] == [580, 300]
    set_clock(settings, noticed.pay_by)
    assert verbs(judge, page_of(noticed)) == {"refer"}
    assert judge.post(page_of(noticed), {"verb": "refer", "to": " "}).context["form"].errors["to"]
    judge.post(page_of(noticed), {"verb": "refer", "to": "成都市人民法院"})
    noticed.refresh_from_db()
    assert (noticed.status, noticed.outstanding_fen) == ("referred", 880)
    late = judge.get(page_of(noticed)).content.decode()
    assert ("成都市人民法院" in late, "¥8.80" in late) == (True, True)


def test_a_case_about_another_grant_or_finding_is_not_opened(
    spent: Redemption, staffed: World, sign_in: SignIn
) -> None:
    owner, address = sign_in("officer2"), reverse("portal:clawback-new", args=[staffed.grant.pk])
    stray = suspicion(staffed, grant_id=None)

    for query, status in {"": 200, "?finding=x": 404, f"?finding={stray.pk}": 404}.items():
        assert (query, owner.get(address + query).status_code) == (query, status)
    nothing = owner.post(address, {"reason": "x", "debtor": str(staffed.buyer.pk)})
    assert nothing.context["form"].non_field_errors()
    foreign = owner.post(address, {"reason": "x", "debtor": str(staffed.authority.pk), f"amount_{spent.pk}": "1"})
    assert foreign.context["form"].errors["debtor"]
    assert not Clawback.objects.exists()
