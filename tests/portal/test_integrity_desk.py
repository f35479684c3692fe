"""The desk of integrity: findings, freezes, clawbacks and firms, by people who may not do each other's work."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, SavedView
from core.periods import HOUR
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import NOW, World
from tests.vouchers import cases
from tests.vouchers import scenes as vouchers
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Blacklisting, Clawback, ClawbackDocument, Finding, Freeze, Grant, Redemption, Tip
from vouchers.services import findings, freezing, tips

MOST_QUERIES = 15
PDF = b"%PDF-1.4 evidence"
CASE = re.compile(r'name="case" value="([^"]+)"')


@pytest.fixture
def staffed(world: World) -> World:
    """The world, with a second and a third officer, and an operator's reviewer."""
    for name, organization, role in [
        ("officer3", world.authority, Role.OWNER),
        ("operator3", world.operator, Role.REVIEWER),
    ]:
        worlds.person(world, name, organization, role)
    return world


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


def test_a_finding_becomes_a_case_that_others_decide_and_finance_writes_off(
    spent: Redemption, staffed: World, sign_in: SignIn, settings: Any
) -> None:
    world = staffed
    found = suspicion(world, redemption_id=spent.pk)
    reviewer, owner, judge, finance = (sign_in(name) for name in ("officer1", "officer2", "officer3", "treasurer"))

    # The reviewer takes the finding and upholds it; nothing else is theirs to do.
    shown = reviewer.get(page_of(found)).content.decode()
    assert [text in shown for text in ("2.000", "4.000", "¥26.40", world.buyer.name)] == [True] * 4
    reviewer.post(page_of(found), {"verb": "take"})
    assert verbs(reviewer, page_of(found)) == {"assign", "ask", "uphold", "explain", "dismiss"}
    assert reviewer.post(page_of(found), {"verb": "uphold", "reason": ""}).context["form"].errors["reason"]
    reviewer.post(page_of(found), {"verb": "uphold", "reason": "计量记录与账单不符"})
    found.refresh_from_db()
    assert (found.status, found.decided_by) == ("upheld", world.people["officer1"])

    # An owner freezes the grant with the finding as evidence, and opens a case about the whole order.
    owner.post(page_of(found), {"verb": "freeze", "reason": "核查期间冻结"})
    freeze = Freeze.objects.get()
    assert (freeze.ground, freeze.finding, freeze.grant.status) == ("usage", found, "frozen")
    opening = f"{reverse('portal:clawback-new', args=[world.grant.pk])}?finding={found.pk}"
    assert 'value="26.40"' in owner.get(opening).content.decode()
    terms = {"reason": "计量异常", "debtor": str(world.buyer.pk), f"amount_{spent.pk}": "26.40"}
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
    assert verbs(judge, page_of(case)) == {"dismiss"}, "there is still time to answer"

    # The firm answers in time, with a file.
    answer, buyer = reverse("portal:notice-answer", args=[case.pk]), sign_in("buyer")
    wrong = buyer.post(answer, {"text": "见附件", "proof": SimpleUploadedFile("x.exe", b"MZ")})
    assert wrong.context["form"].non_field_errors()
    assert not case.answers.exists()
    buyer.post(answer, {"text": "夜间测试。", "proof": [SimpleUploadedFile("作业.pdf", PDF + b"2")]})
    theirs = ClawbackDocument.objects.get(answer__isnull=False)
    mine = reverse("portal:notice-document", args=[case.pk, theirs.pk])
    assert buyer.get(mine).content == PDF + b"2"
    ours = ClawbackDocument.objects.get(answer=None)
    assert buyer.get(reverse("portal:notice-document", args=[case.pk, ours.pk])).status_code == 404
    kept = judge.get(reverse("portal:clawback-document", args=[case.pk, theirs.pk]))
    assert (kept.content, kept["X-Content-Type-Options"]) == (PDF + b"2", "nosniff")

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
    assert ClawbackDocument.objects.count() == 2
    assert Blacklisting.objects.get().organization == world.buyer

    # Instalments are the owner's, what comes back is finance's; the last fen closes the case.
    assert verbs(judge, page_of(case)) == {"plan"}
    bad = judge.post(page_of(case), {"verb": "plan", "parts": "tomorrow 1"})
    assert bad.context["form"].errors["parts"]
    judge.post(page_of(case), {"verb": "plan", "parts": "2026-11-02 16.40\n2026-11-09 10"})
    assert [one.amount_fen for one in case.instalments.order_by("number")] == [1_640, 1_000]
    assert verbs(finance, page_of(case)) == {"recover"}
    unnamed = finance.post(page_of(case), {"verb": "recover", "kind": "offset", "amount": "16.40", "reference": ""})
    assert unnamed.context["form"].errors["reference"]
    assert judge.post(page_of(case), {"verb": "recover", "kind": "offset", "amount": "1", "reference": "c"}).context[
        "form"
    ].non_field_errors()
    finance.post(page_of(case), {"verb": "recover", "kind": "offset", "amount": "16.40", "reference": "DF-2026-7"})
    finance.post(page_of(case), {"verb": "recover", "kind": "repayment", "amount": "10.00", "reference": "bank-1"})
    case.refresh_from_db()
    assert (case.status, case.offset_fen, case.recovered_fen, case.outstanding_fen) == ("recovered", 1_640, 1_000, 0)
    with CaptureQueriesContext(connection) as queries:
        told = judge.get(page_of(case)).content.decode()
    assert len(queries) <= 24
    assert [text in told for text in ("DF-2026-7", "作业.pdf", "作业记录不能证明", "夜间测试。")] == [True] * 4
    exported = b"".join(judge.get(f"{reverse('portal:clawbacks-export')}?state=recovered").streaming_content).decode()
    assert f"{world.buyer.name},{world.buyer.credit_code}" in exported


# Who may do what, whatever a page would offer: the name of the address, what is sent, and who is let through.
ACTS: list[tuple[str, str, dict[str, str], set[str]]] = [
    ("finding", "take", {}, {"officer1", "officer2", "operator3"}),
    ("finding", "dismiss", {"reason": "x"}, {"officer1", "officer2", "operator3"}),
    ("finding", "freeze", {"reason": "x"}, {"officer2", "operator3"}),
    ("clawback", "hold", {}, {"officer2", "operator3"}),
    ("clawback", "dismiss", {"reason": "x"}, {"officer2"}),
]
PEOPLE = ["officer1", "officer2", "treasurer", "auditor", "district1", "expert1", "operator1", "operator3", "buyer"]


@pytest.mark.parametrize(("kind", "verb", "terms", "allowed"), ACTS, ids=lambda value: str(value)[:20])
def test_each_act_is_done_by_those_whose_duty_it_is(
    spent: Redemption, staffed: World, sign_in: SignIn, kind: str, verb: str, terms: dict[str, str], allowed: set[str]
) -> None:
    found, case = suspicion(staffed), cases.suspected(staffed.grant, list(spent.captures.all()), at=NOW)
    thing: Any = found if kind == "finding" else case
    made: dict[str, bool] = {}

    for who in PEOPLE:
        before = type(thing).objects.values().get(pk=thing.pk)
        frozen = Freeze.objects.count()
        with _undone():
            client = sign_in(who)
            if thing.status == "suspected" or who not in allowed or verb != "dismiss":
                answer = client.post(page_of(thing), {"verb": verb} | terms)
            else:
                answer = client.post(page_of(thing), {"verb": verb} | terms)
            made[who] = type(thing).objects.values().get(pk=thing.pk) != before or Freeze.objects.count() != frozen
            assert answer.status_code in (200, 302, 403, 404)

    assert {who for who, did in made.items() if did} == allowed


def _undone() -> Any:
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def undone() -> Any:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return undone()
