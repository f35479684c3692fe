"""Reading programmes and grants over HTTP, and asking what a grant would pay."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import include, path

from accounts.services import keys
from tests.vouchers import scenes
from tests.vouchers.scenes import AT, everything
from tests.vouchers.services import test_extensions
from vouchers.services import extensions

urlpatterns = [path("api/v1/", include("vouchers.api.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(AT, tick=False):
        yield


def machine(organization, scopes=("read", "orders")):
    _key, secret = keys.issue(
        organization=organization,
        name="test",
        scopes=list(scopes),
        actor=scenes.officer(1),
        expires_at=AT + timedelta(days=1),
        at=AT,
    )
    return Client(headers={"authorization": f"Bearer {secret}", "accept-language": "en"})


def ask(client, grant, **fields):
    body = {"category": "GPU_TRAIN", "amount_fen": 1_234_567} | fields
    return client.post(f"/api/v1/grants/{grant.pk}/quote", body, content_type="application/json")


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_everyone_reads_published_programmes_and_only_their_authority_drafts(programme):
    draft = scenes.draft()

    others = machine(scenes.buyer()).get("/api/v1/programmes").json()
    mine = machine(draft.authority).get("/api/v1/programmes").json()

    assert [one["code"] for one in others["data"]] == [programme.code]
    assert {one["code"] for one in mine["data"]} == {draft.code, programme.code}
    assert others["data"][0]["ratio_bp"] == 3_000
    assert others["has_more"] is False


def test_a_programme_is_read_by_its_id(programme):
    answer = machine(scenes.buyer()).get(f"/api/v1/programmes/{programme.pk}").json()

    assert answer["authority_name"] == programme.authority.name
    assert answer["eligible_categories"] == ["GPU_TRAIN", "GPU_INFER"]


def test_an_owner_sees_its_grants_and_nobody_elses(programme, grant):
    scenes.grant(programme)

    (mine,) = machine(grant.owner).get("/api/v1/grants").json()["data"]

    assert (mine["id"], mine["available_fen"], mine["held_fen"]) == (str(grant.pk), 2_000_000, 0)
    assert len(machine(programme.authority).get("/api/v1/grants?status=active").json()["data"]) == 2


def test_a_grant_says_until_when_it_was_extended_and_why():
    grant = scenes.grant(test_extensions.extendable(**{"validity.inactivity_expunge_days": 30}))
    extensions.approve(extension=test_extensions.proposed(grant), actor=scenes.officer(2), at=AT)
    test_extensions.proposed(grant, date(2026, 12, 31))

    mine = machine(grant.owner).get(f"/api/v1/grants/{grant.pk}").json()

    (told,) = mine["extensions"]
    (listed,) = machine(grant.owner).get("/api/v1/grants").json()["data"]
    assert listed == mine
    assert (mine["taken_back_at"], mine["days_from_first_use"]) == ("2025-07-31T00:00:00+08:00", None)
    assert (mine["expires_at"], told["was_at"], told["until_at"], told["reason"]) == (
        "2026-10-01T00:00:00+08:00",
        "2026-06-30T00:00:00+08:00",
        "2026-10-01T00:00:00+08:00",
        "The centre was closed for a month.",
    )


def test_a_grant_that_waits_for_approval_has_nothing_available(programme):
    owner = scenes.buyer()
    scenes.grants.propose(programme=programme, owner=owner, face_fen=5, actor=scenes.officer(1), at=AT)

    (mine,) = machine(owner).get("/api/v1/grants").json()["data"]

    assert (mine["status"], mine["available_fen"], mine["held_fen"]) == ("proposed", 0, 0)


def test_another_firms_grant_is_not_found(grant):
    stranger = machine(scenes.buyer())

    assert stranger.get(f"/api/v1/grants/{grant.pk}").status_code == 404
    assert problem(stranger.get(f"/api/v1/grants/{grant.pk}/redemptions")) == (404, "not-found")
    assert problem(ask(stranger, grant)) == (404, "not-found")


def test_a_quote_is_explained_and_has_no_effect(grant):
    client = machine(grant.owner)
    before = everything()

    answer = ask(client, grant).json()

    assert everything() == before
    assert (answer["amount_fen"], answer["eligible_fen"]) == (370_370, 1_234_567)
    assert (answer["binding_cap"], answer["refused"]) == (None, None)
    assert answer["sentences"][-1] == "The voucher pays ¥3,703.70."
    assert answer["explanation"]["terms"]["ratio_bp"] == 3_000


def test_a_quote_that_is_refused_is_an_answer(grant):
    answer = ask(machine(grant.owner), grant, category="STORAGE").json()

    assert (answer["amount_fen"], answer["refused"]) == (0, "CATEGORY_NOT_ELIGIBLE")


def test_an_authority_reads_a_grant_but_cannot_use_it(programme, grant):
    assert problem(ask(machine(programme.authority), grant)) == (404, "not-found")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"amount_fen": 0}, 400, "invalid"),
        ({"amount_fen": -1}, 400, "invalid"),
        ({"amount_fen": 1.5}, 400, "invalid"),
        ({"amount_fen": 10**16}, 400, "invalid"),
        ({"category": ""}, 400, "invalid"),
        ({"providers": ["x"]}, 400, "invalid"),
        ({"providers": [str(uuid4())]}, 404, "not-found"),
        ({"discount_fen": 1}, 400, "invalid"),
    ],
)
def test_a_bad_question_is_refused(grant, fields, status, code):
    assert problem(ask(machine(grant.owner), grant, **fields)) == (status, code)


def test_a_quote_for_a_listed_provider(db):
    provider = scenes.provider()
    grant = scenes.grant(scenes.published(providers=[provider]))

    assert ask(machine(grant.owner), grant, providers=[str(provider.pk)]).json()["amount_fen"] == 370_370


def test_what_a_grant_paid_is_listed_the_latest_first(grant):
    first, second = scenes.hold(grant, 1_000), scenes.hold(grant, 2_000, at=AT + timedelta(hours=1))
    scenes.capture(first, 200)

    page = machine(grant.owner).get(f"/api/v1/grants/{grant.pk}/redemptions?limit=1").json()

    assert [one["id"] for one in page["data"]] == [str(second.pk)]
    assert page["has_more"] is True
    rest = machine(grant.owner).get(f"/api/v1/grants/{grant.pk}/redemptions", {"cursor": page["next_cursor"]}).json()
    assert [(one["amount_fen"], one["captured_fen"]) for one in rest["data"]] == [(300, 200)]


def test_a_key_that_only_reads_does_not_ask(grant):
    assert ask(machine(grant.owner, ["read"]), grant).status_code == 403
    assert Client().get("/api/v1/grants").status_code == 401
