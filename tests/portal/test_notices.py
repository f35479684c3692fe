"""Pages on which an organisation reads a notice and answers it, and on which everyone may report misuse."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Funding
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_lists import MOST_QUERIES
from tests.portal.world import NOW, World
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Clawback, Finding, Tip
from vouchers.services import clawbacks, findings, recoveries
from vouchers.services.clawbacks import Item


@pytest.fixture
def notice(world: World) -> Clawback:
    """A notice about everything that one order was paid by a voucher."""
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    redemption = Funding.objects.get().redemption
    items = [Item(one, one.amount_fen) for one in redemption.captures.all()]
    maker = world.actor("officer2", world.authority)
    case = clawbacks.suspect(grant=world.grant, items=items, reason="no job ran", actor=maker, at=NOW)
    case = clawbacks.place_hold(clawback=case, actor=maker, at=NOW)
    return clawbacks.send_notice(clawback=case, notice="未见作业记录，请说明。", actor=maker, at=NOW)


def test_the_buyer_reads_the_notice_and_its_owner_answers_it(notice: Clawback, sign_in: SignIn, world: World) -> None:
    owner, viewer = sign_in("buyer"), sign_in("viewer")
    with CaptureQueriesContext(connection) as queries:
        listed = owner.get(reverse("portal:notices"))
    page = reverse("portal:notice", args=[notice.pk])

    assert len(queries) <= MOST_QUERIES
    assert reverse("portal:notice", args=[notice.pk]) in listed.content.decode()
    assert "未见作业记录" in owner.get(page).content.decode()
    assert "notice-answer" not in viewer.get(page).content.decode()
    assert viewer.post(reverse("portal:notice-answer", args=[notice.pk]), {"text": "x"}).status_code == 403
    assert sign_in("seller").get(page).status_code == 404
    empty = owner.post(reverse("portal:notice-answer", args=[notice.pk]), {"text": ""})
    assert empty.status_code == 200
    sent = owner.post(reverse("portal:notice-answer", args=[notice.pk]), {"text": "夜间测试。"}, follow=True)
    assert "夜间测试。" in sent.content.decode()
    assert Clawback.objects.get().status == "responded"


def test_an_answer_that_comes_too_late_is_refused_on_the_page(
    notice: Clawback, sign_in: SignIn, settings: Any, world: World
) -> None:
    assert notice.response_due_at is not None
    Path(settings.REHEARSAL_CLOCK).write_text(notice.response_due_at.isoformat(), encoding="ascii")

    late = sign_in("buyer").post(reverse("portal:notice-answer", args=[notice.pk]), {"text": "太晚了"})

    assert late.status_code == 200
    assert "error" in late.content.decode()
    assert not Clawback.objects.get().answers.exists()


def test_a_demand_shows_what_is_owed_and_since_when_it_is_overdue(
    notice: Clawback, sign_in: SignIn, settings: Any, world: World
) -> None:
    due = notice.response_due_at
    third = worlds.person(world, "officer3", world.authority, "owner")
    decided = clawbacks.uphold(
        clawback=notice, reason="逾期未答复", actor=world.actor("officer3", world.authority), at=due
    )
    parts = [(decided.pay_by.date(), decided.outstanding_fen - 100)]
    treasurer = world.actor("treasurer", world.authority)
    recoveries.recover(clawback=decided, amount_fen=100, reference="b1", actor=treasurer, at=due)
    recoveries.plan(clawback=decided, parts=parts, actor=world.actor("officer3", world.authority), at=due)
    Path(settings.REHEARSAL_CLOCK).write_text(decided.pay_by.isoformat(), encoding="ascii")

    shown = sign_in("buyer").get(reverse("portal:notice", args=[notice.pk])).content.decode()

    assert third.username == "officer3"
    for text in ("逾期未答复", "b1", 'role="alert"'):
        assert text in shown


def test_a_firm_explains_a_finding_once(world: World, sign_in: SignIn) -> None:
    one = Suspicion(rule=Rule.SAME_JOB, severity=Weight.LOW, key="k", subject_id=world.buyer.pk, evidence={"times": 20})
    findings.record(suspicions=[one], at=NOW)
    finder = world.actor("officer2", world.authority)
    found = findings.assign(finding=Finding.objects.get(), to=finder.user, actor=finder, at=NOW)
    findings.ask(finding=found, actor=finder, at=NOW)
    owner, page = sign_in("buyer"), reverse("portal:notice-finding", args=[found.pk])
    explain = reverse("portal:notice-explain", args=[found.pk])

    assert reverse("portal:notice-finding", args=[found.pk]) in owner.get(reverse("portal:notices")).content.decode()
    assert "20" in owner.get(page).content.decode()
    assert sign_in("seller").get(page).status_code == 404
    assert owner.post(explain, {"text": ""}).status_code == 200
    assert "回归测试" in owner.post(explain, {"text": "回归测试"}, follow=True).content.decode()
    again = owner.post(explain, {"text": "再说一次"})
    assert "再说一次" not in Finding.objects.get().answer
    assert again.status_code == 200


def test_everyone_may_report_misuse_and_gets_a_number(db: None) -> None:
    cache.clear()
    visitor, page = Client(), reverse("portal:tip")

    assert visitor.get(page).status_code == 200
    assert visitor.post(page, {"text": " "}).status_code == 200
    told = visitor.post(page, {"text": "转卖算力", "about": "某公司"})
    assert str(Tip.objects.get().pk) in told.content.decode()
    answers = [visitor.post(page, {"text": "又一次"}).status_code for _ in range(11)]

    assert answers[-1] == 429
    assert Tip.objects.count() <= 11
