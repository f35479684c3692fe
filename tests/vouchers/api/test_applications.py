"""Applying over HTTP: the eligibility check, a whole application, and everything that is refused."""

from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import include, path

from accounts.models import Scope
from tests.vouchers import filing, scenes
from tests.vouchers.api.test_vouchers import machine, problem
from tests.vouchers.filing import AT, officer
from vouchers.models import Application
from vouchers.services.applications import reviewing

urlpatterns = [path("api/v1/", include("vouchers.api.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _noon(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def procedure(programme):
    return filing.opened(programme, reviewers=1, publicity_days=0, required_evidence=["contract"], appeal_days=3)


def send(client, address, body=None, method="post"):
    return getattr(client, method)(f"/api/v1/{address}", body or {}, content_type="application/json")


def test_from_the_eligibility_check_to_an_appeal(procedure):
    firm, seller = scenes.buyer(), scenes.provider()
    client = machine(firm)
    assert [one["id"] for one in client.get("/api/v1/rounds?open=true").json()["data"]] == [str(procedure.pk)]
    assert client.get("/api/v1/rounds?open=false").json()["data"] == []
    told = send(client, f"rounds/{procedure.pk}/eligibility").json()
    assert told == {"eligible": True, "findings": []}

    lines = [{"category": "GPU_TRAIN", "amount_fen": 1_000_000}]
    body = {"round": str(procedure.pk), "asked_fen": 500_000, "lines": lines, "contract_no": "A-1"}
    made = send(client, "applications", body | {"provider": str(seller.pk)})
    assert made.status_code == 201
    address = f"applications/{made.json()['id']}"
    refused = send(client, f"{address}/submit")
    assert problem(refused) == (422, "application-not-ready")
    assert [one["code"] for one in refused.json()["findings"]] == ["EVIDENCE_MISSING", "ASKED_ABOVE_ENTITLED"]
    assert client.get(f"/api/v1/{address}/precheck").json()[0]["detail"] == "Evidence is missing: Contract."
    file = SimpleUploadedFile("c.pdf", b"%PDF-1.7")
    kept = client.post(f"/api/v1/{address}/evidence", {"kind": "contract", "file": file})
    assert (kept.status_code, kept.json()["media_type"]) == (201, "application/pdf")
    assert send(client, address, {"purpose": "train"}, "patch").json()["purpose"] == "train"

    told = send(client, f"{address}/submit").json()

    assert (told["status"], told["entitled_fen"], told["missing_evidence"]) == ("review_1", 300_000, [])
    assert [step["status"] for step in told["steps"]] == ["submitted", "review_1"]
    application = Application.objects.get()
    reviewing.ask_for_supplement(application=application, stage="review_1", reason="p. 3", actor=officer(3), at=AT)
    assert send(client, f"{address}/supplement", {"text": "here"}).json()["status"] == "review_1"
    terms = {"reason_code": "evidence", "reason": "no", "no_interest": True, "actor": officer(3), "at": AT}
    reviewing.reject(application=application, stage="review_1", **terms)
    assert send(client, f"{address}/appeal", {"text": "yes"}).json()["reason_code"] == "evidence"
    assert problem(send(client, f"{address}/appeal", {"text": "yes"})) == (409, "appeal-exists")
    assert problem(send(client, f"{address}/withdraw")) == (409, "illegal-move")
    seen = machine(procedure.programme.authority).get("/api/v1/applications?status=rejected").json()["data"]
    assert [one["id"] for one in seen] == [made.json()["id"]]


def test_what_cannot_be_is_refused_and_changes_nothing(procedure):
    client, stranger = machine(scenes.buyer()), machine(scenes.buyer())
    begin = {"round": str(procedure.pk), "asked_fen": 100}
    mine = send(client, "applications", begin).json()["id"]
    authority = machine(procedure.programme.authority)

    for answer, expected in [
        (send(client, "applications", begin | {"round": str(uuid4())}), (404, "not-found")),
        (send(client, "applications", begin | {"provider": str(uuid4())}), (404, "not-found")),
        (send(client, "applications", begin | {"facts": {"secret": 1}}), (422, "bad-application")),
        (send(client, "applications", begin | {"facts": 1}), (400, "invalid")),
        (send(client, "applications", begin | {"facts": {"purpose": "\ud800"}}), (400, "invalid")),
        (send(client, "applications", begin | {"facts": {"qualifications": ["\x00"]}}), (400, "invalid")),
        (send(client, "applications", begin | {"\ud800": 1}), (400, "invalid")),
        (send(client, "applications", begin | {"lines": [{"category": "A", "amount_fen": 0}]}), (400, "invalid")),
        (send(client, "applications", begin | {"status": "granted"}), (400, "invalid")),
        (send(client, f"rounds/{uuid4()}/eligibility"), (404, "not-found")),
        (send(client, f"rounds/{procedure.pk}/eligibility", {"facts": {"size": 5}}), (422, "bad-application")),
        (send(client, f"rounds/{procedure.pk}/eligibility", {"facts": "x"}), (400, "invalid")),
        (
            send(client, f"rounds/{procedure.pk}/eligibility", {"facts": {"established_on": 20200101}}),
            (422, "bad-application"),
        ),
        (client.get("/api/v1/rounds?open=1"), (400, "invalid")),
        (send(stranger, f"applications/{mine}/submit"), (404, "not-found")),
        (send(authority, f"applications/{mine}/submit"), (404, "not-found")),
        (send(machine(scenes.authority()), "applications", begin), (422, "not-a-buyer")),
        (client.post(f"/api/v1/applications/{mine}/evidence", {"kind": "contract"}), (400, "invalid")),
    ]:
        assert problem(answer) == expected
    big = SimpleUploadedFile("c.pdf", b"%PDF" + b"0" * 5_000_000)
    assert problem(client.post(f"/api/v1/applications/{mine}/evidence", {"kind": "contract", "file": big})) == (
        422,
        "bad-upload",
    )
    assert Application.objects.get().status == "draft"


def test_who_reads_an_application_that_was_handed_in_does_not_write_it(procedure):
    application = filing.submitted(procedure)
    authority = machine(procedure.programme.authority)

    assert authority.get(f"/api/v1/applications/{application.pk}").status_code == 200
    assert problem(send(authority, f"applications/{application.pk}/withdraw")) == (403, "forbidden")
    reader = machine(application.applicant, scopes=[Scope.READ])
    assert send(reader, f"applications/{application.pk}/withdraw").status_code == 403


def test_only_its_owner_gives_a_grant_up(programme, grant):
    address = f"grants/{grant.pk}/surrender"

    assert problem(send(machine(programme.authority), address)) == (403, "forbidden")
    assert problem(send(machine(scenes.buyer()), address)) == (404, "not-found")
    told = send(machine(grant.owner), address, {"reason": "cancelled"}).json()
    assert (told["status"], told["available_fen"]) == ("surrendered", 0)
    assert problem(send(machine(grant.owner), address)) == (409, "illegal-move")
