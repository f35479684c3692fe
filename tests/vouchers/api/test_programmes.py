"""Programmes over HTTP: their parameters and versions, what they would pay of any case, and who may apply."""

from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import include, path

from tests.vouchers import scenes
from tests.vouchers.api.test_vouchers import machine, problem
from tests.vouchers.scenes import AT, everything, officer
from tests.vouchers.services.test_versions import HALF, amended, drafted
from vouchers.models import Programme
from vouchers.parameters import codec
from vouchers.services import reference

urlpatterns = [path("api/v1/", include("vouchers.api.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
LINE = {"category": "GPU_TRAIN", "provider_listed": True, "amount_fen": 100_000_000}


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(AT, tick=False):
        yield


def published(code: str) -> Programme:
    draft = reference.draft(
        code=code,
        authority=scenes.authority(),
        opens_on=date(2025, 1, 1),
        closes_on=date(2026, 1, 1),
        actor=officer(1),
        at=AT,
    )
    return scenes.programmes.publish(programme=draft, actor=officer(2), at=AT)


def post(client, programme, verb, body):
    return client.post(f"/api/v1/programmes/{programme.pk}/{verb}", body, content_type="application/json")


def test_parameters_are_read_with_their_schema_and_can_be_imported(programme):
    client = machine(scenes.buyer())

    document = client.get(f"/api/v1/programmes/{programme.pk}/parameters").json()
    schema = Client().get("/api/v1/programmes/schema").json()  # the desk links to it: no key is needed

    assert codec.load(document) == programme.parameters
    assert set(schema["$defs"]["Parameters"]["properties"]) == set(document)


def test_versions_are_listed_and_drafts_are_the_authoritys_own(programme):
    programme = amended(programme, award__tiers=HALF)
    drafted(programme, money__budget_fen=1)

    def numbers(who):
        rows = machine(who).get(f"/api/v1/programmes/{programme.pk}/versions").json()["data"]
        return [(row["number"], row["status"], row["parameters"]["award"]["tiers"][0]["bp"]) for row in rows]

    assert numbers(scenes.buyer()) == [(2, "published", 5_000), (1, "published", 3_000)]
    assert numbers(programme.authority)[0] == (3, "draft", 5_000)


def test_a_case_is_quoted_with_its_facts_and_other_support():
    hangzhou = published("HZ-2025")
    before = everything()
    case = {"facts": {"facility_type": "DOMESTIC"}, "support": [{"kind": "智能券", "amount_fen": 30_000_000}]}

    answer = post(machine(scenes.buyer()), hangzhou, "quote", {"spending": [LINE], "case": case})

    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["amount_fen"], told["refused"], told["binding_cap"]) == (30_000_000, None, None)
    assert told["sentences"][-1] == "The voucher pays ¥300,000.00."
    assert told["explanation"]["case"] == case
    assert everything() == before


def test_limits_and_days_decide_too():
    nanning = published("NN-2025")
    body = {
        "spending": [LINE | {"amount_fen": 20_000_000}],
        "case": {"contract": {"first_on": "2025-01-01", "last_on": "2026-12-31"}},
        "limits": {"entity_year_left_fen": 100_050},
    }

    told = post(machine(scenes.buyer()), nanning, "quote", body).json()

    assert (told["base_fen"], told["amount_fen"], told["binding_cap"]) == (8_367_600, 100_000, "ENTITY_YEAR")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "spending"),
        ([], "parameters"),
        ({"spending": []}, "spending"),
        ({"spending": [LINE] * 201}, "spending"),
        ({"spending": [LINE | {"amount_fen": "1"}]}, "spending[0].amount_fen"),
        ({"spending": [LINE | {"amount_fen": 1.5}]}, "spending[0].amount_fen"),
        ({"spending": [LINE | {"amount_fen": -1}]}, "spending[0]"),
        ({"spending": [LINE | {"amount_fen": 10**40}]}, None),
        ({"spending": [LINE | {"surprise": 1}]}, "spending[0].surprise"),
        ({"spending": [LINE], "case": {"facts": {"is_rich": True}}}, "case.facts.is_rich"),
        ({"spending": [LINE], "case": {"discounts": [{"kind": "GIFT", "amount_fen": 1}]}}, "case.discounts[0].kind"),
        ({"spending": [LINE], "case": {"discounts": [{"kind": "POINTS", "amount_fen": 10**12}]}}, "case.discounts"),
    ],
)
def test_what_nobody_can_judge_is_a_problem_with_its_place(programme, body, field):
    answer = post(machine(scenes.buyer()), programme, "quote", body)

    assert problem(answer) == (422, "bad-case")
    assert field is None or field in str(answer.json()["errors"])


def test_an_applicant_is_examined_condition_by_condition():
    beijing = published("BJ-2023")
    client = machine(scenes.buyer())

    fits = post(client, beijing, "eligibility", {"facts": {"industry": "制造业", "clean_years": 3}}).json()
    other = post(client, beijing, "eligibility", {"facts": {"industry": "餐饮业"}}).json()
    unknown = post(client, beijing, "eligibility", {"facts": {"industry": "制造业"}}).json()

    assert (fits["eligible"], other["eligible"], unknown["eligible"]) == (True, False, None)
    assert [one["code"] for one in other["conditions"] if one["met"] is False] == ["INDUSTRY"]
    assert problem(post(client, beijing, "eligibility", {"facts": {"age": 1}})) == (422, "bad-case")


def test_drafts_of_others_do_not_exist():
    draft, client = scenes.draft(), machine(scenes.buyer())

    assert problem(post(client, draft, "quote", {"spending": [LINE]})) == (404, "not-found")
    assert problem(client.get(f"/api/v1/programmes/{draft.pk}/parameters")) == (404, "not-found")
    assert problem(client.get(f"/api/v1/programmes/{draft.pk}/versions")) == (404, "not-found")
