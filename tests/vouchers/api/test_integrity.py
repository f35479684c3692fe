"""Notices, findings and tips over HTTP: those concerned see and answer their own, everyone else finds nothing."""

from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import include, path

from tests.vouchers import cases, scenes
from tests.vouchers.api.test_vouchers import machine, problem
from tests.vouchers.scenes import AT, officer
from vouchers.fraud.suspicions import Rule, Suspicion, Weight
from vouchers.models import Clawback, Finding, Tip
from vouchers.services import clawbacks, findings

urlpatterns = [path("api/v1/", include("vouchers.api.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _noon():
    cache.clear()
    with time_machine.travel(AT, tick=False):
        yield


def post(client, address, key=None, **body):
    headers = {"Idempotency-Key": key or str(uuid4())}
    return client.post(f"/api/v1/{address}", body, content_type="application/json", headers=headers)


def test_the_debtor_sees_a_notice_answers_it_and_nobody_else_does(grant):
    clawback = cases.suspected(grant, cases.paid(grant, 1_000))
    debtor, stranger = machine(grant.owner), machine(scenes.buyer())
    assert debtor.get("/api/v1/clawbacks").json()["data"] == []
    clawback = clawbacks.place_hold(clawback=clawback, actor=officer(1), at=AT)
    clawbacks.send_notice(clawback=clawback, notice="Explain.", actor=officer(1), at=AT)

    (seen,) = debtor.get("/api/v1/clawbacks?status=notice_sent").json()["data"]
    answered = post(debtor, f"clawbacks/{clawback.pk}/answer", text="We did use it.")

    assert (seen["suspected_fen"], seen["demand_fen"], seen["response_due_at"]) == (
        1_000,
        0,
        "2025-07-15T00:00:00+08:00",
    )
    assert answered.status_code == 201
    assert [one["text"] for one in answered.json()["answers"]] == ["We did use it."]
    assert problem(post(stranger, f"clawbacks/{clawback.pk}/answer", text="x")) == (404, "not-found")
    assert stranger.get(f"/api/v1/clawbacks/{clawback.pk}").status_code == 404
    assert problem(post(debtor, f"clawbacks/{clawback.pk}/answer", text="")) == (400, "invalid")
    assert len(machine(grant.programme.authority).get("/api/v1/clawbacks").json()["data"]) == 1
    assert machine(scenes.authority()).get("/api/v1/clawbacks").json()["data"] == []


def test_a_demand_is_seen_with_what_came_back_of_it(grant):
    cases.upheld(grant, cases.paid(grant, 1_000), at=AT)
    with time_machine.travel(AT, tick=False):
        seen = machine(grant.owner).get(f"/api/v1/clawbacks/{Clawback.objects.get().pk}").json()

    assert (seen["status"], seen["demand_fen"], seen["outstanding_fen"]) == ("demanded", 1_000, 1_000)
    assert seen["barred_until"] == "2028-06-30T00:00:00+08:00"
    late = post(machine(grant.owner), f"clawbacks/{seen['id']}/answer", text="x")
    assert problem(late) == (409, "answer-over")

    address = f"clawbacks/{seen['id']}/appeal"
    assert (seen["appeal_until"], seen["appeal"]) == ("2025-07-15T00:00:00+08:00", None)
    assert problem(post(machine(scenes.buyer()), address, text="x")) == (404, "not-found")
    assert problem(post(machine(grant.owner), address, text=" ")) == (400, "invalid")
    made = post(machine(grant.owner), address, text="We did use it.").json()
    assert (made["appeal"]["text"], made["appeal"]["outcome"], made["barred_until"]) == ("We did use it.", "", None)
    assert problem(post(machine(grant.owner), address, text="Again.")) == (409, "appeal-exists")


def test_a_firm_explains_what_it_was_asked_about_and_sees_nothing_else(grant):
    for key in ("asked", "not asked"):
        one = Suspicion(rule=Rule.SAME_JOB, severity=Weight.LOW, key=key, subject_id=grant.owner_id)
        findings.record(suspicions=[one], at=AT)
    asked = Finding.objects.get(dedupe_key="asked")
    findings.assign(finding=asked, to=officer(1).user, actor=officer(1), at=AT)
    findings.ask(finding=asked, actor=officer(1), at=AT)
    owner = machine(grant.owner)

    assert [one["id"] for one in owner.get("/api/v1/findings").json()["data"]] == [str(asked.pk)]
    assert post(owner, f"findings/{asked.pk}/answer", text="Tests.").json()["answer"] == "Tests."
    assert problem(post(owner, f"findings/{asked.pk}/answer", text="More.")) == (409, "answer-over")
    assert problem(post(machine(scenes.buyer()), f"findings/{asked.pk}/answer", text="x")) == (404, "not-found")


def test_a_related_party_is_refused_by_the_quote_and_everyone_may_report_a_few_times_an_hour(grant):
    provider = scenes.provider()
    cases.holds(grant.owner, provider, 3_000)
    quote = post(
        machine(grant.owner),
        f"grants/{grant.pk}/quote",
        category="GPU_TRAIN",
        amount_fen=1,
        providers=[str(provider.pk)],
    )
    assert (quote.json()["refused"], quote.json()["amount_fen"]) == ("RELATED_PARTY", 0)
    visitor = Client(headers={"accept-language": "en"})

    answers = [
        visitor.post("/api/v1/tips", {"text": "They resell."}, content_type="application/json") for _ in range(11)
    ]

    assert [one.status_code for one in answers] == [201] * 10 + [429]
    assert Tip.objects.count() == 10
    cache.clear()
    wrong = visitor.post("/api/v1/tips", {"text": "", "who": "x"}, content_type="application/json")
    assert problem(wrong) == (400, "invalid")
