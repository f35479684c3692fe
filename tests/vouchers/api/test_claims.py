"""Claims over HTTP: a provider submits what was assembled, a buyer claims what it spent, strangers see nothing."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.services import keys
from tests.vouchers import claims, scenes
from tests.vouchers.api.test_vouchers import problem, urlpatterns  # noqa: F401 - the addresses
from tests.vouchers.claims import LATER
from tests.vouchers.services.claims.conftest import courier, provider, quarter  # noqa: F401 - fixtures
from tests.vouchers.services.claims.test_buyers import beijing  # noqa: F401 - a fixture
from vouchers.models import Claim, ClaimStatus, Reason
from vouchers.services.claims.decisions import Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.vouchers.api.test_vouchers")]


@pytest.fixture(autouse=True)
def _july():
    with time_machine.travel(LATER, tick=False):
        yield


class Machine:
    """A key of an organisation at the interface."""

    def __init__(self, organization, scopes=("read", "payments")):
        _key, secret = keys.issue(
            organization=organization,
            name="test",
            scopes=list(scopes),
            actor=scenes.officer(1),
            expires_at=LATER + timedelta(days=1),
            at=LATER,
        )
        self.client = Client(headers={"authorization": f"Bearer {secret}", "accept-language": "en"})
        self.sent = 0

    def get(self, path):
        return self.client.get(f"/api/v1/{path}")

    def post(self, path, body=None):
        self.sent += 1
        key = {"Idempotency-Key": f"k{self.sent}"}
        return self.client.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=key)


def invoice(number, *lines):
    return {"number": number, "amount_fen": 10**9, "issued_on": "2025-07-01", "lines": list(lines)}


def test_a_provider_follows_a_claim_from_assembly_to_its_answer(quarter, provider):
    claim = claims.assembled(quarter)
    mine, path = Machine(provider), f"claims/{claim.pk}"

    (listed,) = mine.get("claims?status=assembled").json()["data"]
    assert (listed["amount_fen"], listed["claimant_kind"], listed["approved_fen"]) == (5_000_000, "provider", None)
    bare = mine.post(f"{path}/submit", {"committed": True, "invoices": [invoice("1" * 20, 1)]})
    assert (problem(bare), bare.json()["lines"]) == ((422, "invoice-missing"), [2, 3])
    assert problem(mine.post(f"{path}/submit", {"committed": False})) == (422, "claim-not-committed")
    wrong = {"committed": True, "invoices": [invoice("1" * 20, 9)]}
    assert problem(mine.post(f"{path}/submit", wrong)) == (422, "bad-invoice")
    wrong = {"committed": True, "invoices": [invoice("12345678", 1, 2, 3)]}
    assert problem(mine.post(f"{path}/submit", wrong)) == (422, "bad-invoice-number")
    sent = {"committed": True, "invoices": [invoice("1" * 20, 1, 2), invoice("2" * 20, 3)]}

    assert mine.post(f"{path}/submit", sent).json()["status"] == "submitted"

    number = claim.lines.get(amount_fen=370_370).number
    claims.decided(claims.sampled(claim), {number: Refusal(Reason.NO_USAGE_PROOF, "no batch")})
    detail = mine.get(path).json()
    assert (detail["status"], detail["approved_fen"]) == ("partly_approved", 4_629_630)
    assert [one["number"] for one in detail["invoices"]] == ["1" * 20, "2" * 20]
    assert [one["kind"] for one in detail["events"]] == ["claim", "submit", "check", "sample", "decide"]
    lines = mine.get(f"{path}/lines").json()["data"]
    assert [one["number"] for one in lines] == [1, 2, 3]
    refused = lines[number - 1]
    assert (refused["amount_fen"], refused["status"], refused["reason"], refused["note"]) == (
        370_370,
        "rejected",
        "NO_USAGE_PROOF",
        "no batch",
    )
    again = mine.post(f"{path}/resubmit", {"lines": [number], "answer": "here"})
    assert (again.status_code, again.json()["amount_fen"]) == (201, 370_370)
    assert problem(mine.post(f"{path}/dispute", {"line": number, "answer": "no"})) == (409, "nothing-to-resubmit")
    assert problem(mine.post(f"{path}/dispute", {"line": 99, "answer": "no"}))[0] == 404
    assert mine.post(f"claims/{again.json()['id']}/withdraw").json()["status"] == "withdrawn"
    assert problem(mine.post(f"{path}/withdraw")) == (409, "illegal-move")


def test_files_and_evidence_go_in_and_out(quarter, provider):
    claim = claims.assembled(quarter)
    mine, path = Machine(provider), f"/api/v1/claims/{claim.pk}"
    paper = SimpleUploadedFile("invoice.pdf", b"%PDF-1.4 paper")

    made = mine.client.post(f"{path}/documents", {"kind": "invoice", "file": paper, "line": 1})
    assert (made.status_code, made.json()["name"]) == (201, "invoice.pdf")
    bad = SimpleUploadedFile("x.exe", b"MZ")
    assert problem(mine.client.post(f"{path}/documents", {"kind": "other", "file": bad})) == (422, "bad-upload")
    lost = SimpleUploadedFile("x.pdf", b"%PDF-1")
    assert problem(mine.client.post(f"{path}/documents", {"kind": "other", "file": lost, "line": 9}))[0] == 404

    pages, facts = (mine.client.get(f"{path}/evidence?kind={kind}") for kind in ("pdf", "json"))
    assert pages["Content-Type"] == "application/pdf"
    assert facts.json()["amount_fen"] == 5_000_000
    for nothing in ("exe", "%00"):
        assert problem(mine.client.get(f"{path}/evidence?kind={nothing}"))[0] == 404
    assert mine.get(f"claims/{claim.pk}/receipts").json() == []


def test_a_buyer_claims_out_of_a_voucher(beijing, provider):
    grant = scenes.grant(beijing, face_fen=60_000_000)
    mine = Machine(grant.owner)
    line = {
        "contract_no": "BJ-1",
        "category": "GPU_TRAIN",
        "provider": str(provider.pk),
        "amount_fen": 240_000_000,
        "used_until": "2025-06-30",
        "invoice_no": "1" * 20,
        "invoice_fen": 240_000_000,
        "invoiced_on": "2025-07-01",
    }
    asked = {"programme": str(beijing.pk), "grant": str(grant.pk), "final": True, "spendings": [line]}

    made = mine.post("claims", asked)

    assert (made.status_code, made.json()["amount_fen"]) == (201, 48_000_000)
    assert mine.post(f"claims/{made.json()['id']}/submit", {"committed": True}).json()["status"] == "submitted"
    assert problem(mine.post("claims", asked)) == (409, "duplicate-invoice")
    unknown = "0198f000-0000-7000-8000-000000000000"
    for name in ("programme", "grant"):
        assert problem(mine.post("claims", asked | {name: unknown}))[0] == 404
    assert problem(mine.post("claims", asked | {"spendings": [line | {"provider": unknown}]}))[0] == 404
    assert problem(mine.post("claims", asked | {"spendings": []}))[0] == 400
    assert problem(mine.post("claims", asked | {"grant": None})) == (422, "grant-missing")


def test_a_claim_is_its_claimants_and_its_authoritys(quarter, provider):
    claim = claims.assembled(quarter)
    stranger, reader = Machine(scenes.provider()), Machine(provider, scopes=["read"])
    authority = Machine(quarter.authority)

    assert stranger.get("claims").json()["data"] == []
    assert problem(stranger.get(f"claims/{claim.pk}"))[0] == 404
    assert problem(stranger.post(f"claims/{claim.pk}/submit", {"committed": True}))[0] == 404
    assert problem(reader.post(f"claims/{claim.pk}/submit", {"committed": True}))[0] == 403
    assert [one["id"] for one in authority.get("claims").json()["data"]] == [str(claim.pk)]
    assert problem(authority.post(f"claims/{claim.pk}/submit", {"committed": True})) == (404, "claim-not-found")
    assert problem(authority.post(f"claims/{claim.pk}/withdraw"))[0] == 404
    assert Claim.objects.get().status == ClaimStatus.ASSEMBLED


def test_a_body_that_is_nested_too_deeply_is_refused(provider):
    answer = Machine(provider).post("claims", "[" * 100_000)

    assert problem(answer) == (400, "parse-error")
