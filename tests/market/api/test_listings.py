"""Listings through the API: files, revisions, terms, sites and measurements."""

import pytest

from market.models import LatencyProbe, Measurement, Offering
from tests.market import scenes
from tests.market.agents import Machine
from tests.market.api.test_offerings import problem
from tests.market.scenes import AT, hours


@pytest.fixture(autouse=True)
def _still_clock(settings, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text(AT.isoformat(), encoding="ascii")
    settings.REHEARSAL_CLOCK = str(clock)


@pytest.fixture
def seller(provider):
    return Machine(provider)


def send(machine, body, path="offerings/file?dry_run=false", key="k"):
    headers = {"Idempotency-Key": key}
    return machine.client.post(f"/api/v1/{path}", body, content_type="text/csv", headers=headers)


def test_a_file_comes_in_once_and_goes_out_as_it_came(seller, card):
    scenes.site(seller.organization, name="深圳中心")
    body = "reference,name,site,model,category,cards,price_yuan,opens_at\nP-1,池,深圳中心,card,HPC,8,2,2026-10-02\n"

    looked = send(seller, body.encode(), path="offerings/file", key="look")
    assert looked.json()["applied"] is False
    assert not Offering.objects.exists()
    first, again = send(seller, body.encode()), send(seller, body.encode())

    assert first.json()["counts"] == {"create": 1, "change": 0, "same": 0, "refused": 0}
    assert again["Idempotency-Replayed"] == "true"
    for kind in ("csv", "xlsx"):
        sent_out = seller.get("offerings/file", kind=kind).content
        assert send(seller, sent_out, key=kind).json()["counts"]["same"] == 1


def test_a_wrong_file_is_a_problem_with_rows(seller, buyer):
    refused = send(seller, b"reference,cards\nP-1,none\n")

    assert problem(refused) == (422, "rows-refused")
    assert refused.json()["rows"][0]["errors"][0]["column"] == "cards"
    assert problem(send(seller, b"PK\x03\x04", key="zip")) == (422, "unreadable-file")
    assert problem(send(Machine(buyer), b"reference\n")) == (403, "permission-denied")
    assert [one["name"] for one in seller.get("offerings/file/columns").json()][:2] == ["reference", "name"]


def test_an_offering_is_revised_and_foreign_ones_do_not_exist(seller, offering):
    revised = seller.post(f"offerings/{offering.pk}/revise", {"price_micro": 9_000_000, "min_count": 2})

    assert (revised.status_code, revised.json()["status"]) == (200, "review")
    assert Offering.objects.get().min_count == 2
    stranger = Machine(scenes.provider())
    for verb in ("revise", "submit", "withdraw", "resume", "archive"):
        assert problem(stranger.post(f"offerings/{offering.pk}/{verb}")) == (404, "not-found")
    assert problem(seller.post(f"offerings/{offering.pk}/revise", {"max_count": 1})) == (422, "bad-terms")


def test_lines_terms_and_edits_are_read_by_buyers(seller, buyer, offering):
    line = {"kind": "network", "name": "Public IP", "unit": "month", "price_micro": 30_000_000}
    close = {"starts_at": (AT + hours(1)).isoformat(), "ends_at": (AT + hours(2)).isoformat(), "capacity": 0}
    added = seller.post(f"offerings/{offering.pk}/lines/add", line)
    seller.post(f"offerings/{offering.pk}/close-hours", close | {"reason": "New switch"})
    published = seller.post(f"offerings/{offering.pk}/terms", {"text": "No mining."})
    reader = Machine(buyer)

    assert reader.get(f"offerings/{offering.pk}/lines").json() == [line | {"id": added.json()["id"], "sold": True}]
    (edit,) = reader.get(f"offerings/{offering.pk}/calendar-edits").json()
    assert (edit["capacity"], edit["reason"]) == (0, "New switch")
    digest = published.json()["sha256"]
    assert reader.get(f"offerings/{offering.pk}/terms").json()["agreed"] is False
    assert problem(reader.post(f"offerings/{offering.pk}/terms/agree", {"sha256": "0" * 64})) == (409, "terms-changed")
    assert reader.post(f"offerings/{offering.pk}/terms/agree", {"sha256": digest}).json()["version"] == 1
    assert reader.get(f"offerings/{offering.pk}/terms").json()["agreed"] is True
    assert problem(reader.post(f"offerings/{offering.pk}/terms", {"text": "Mine."})) == (404, "not-found")
    seller.post(f"offerings/{offering.pk}/lines/remove", {"id": added.json()["id"]})
    assert reader.get(f"offerings/{offering.pk}/lines").json() == []


def test_an_agent_reports_probes_of_its_own_sites(seller, offering):
    site = offering.site_id
    sent = {"source": "agent 1.2", "probes": [{"city": "深圳市", "p50_us": 1_500, "measured_at": AT.isoformat()}]}

    assert seller.post(f"sites/{site}/probes/report", sent).json() == {"new": 1}
    assert seller.post(f"sites/{site}/probes/report", sent).json() == {"new": 0}

    (probe,) = seller.get(f"sites/{site}/probes").json()
    assert (probe["city"], probe["ring"]) == ("深圳市", 1)
    assert [one["id"] for one in seller.get("sites").json()["data"]] == [str(site)]
    stranger = Machine(scenes.provider())
    assert problem(stranger.post(f"sites/{site}/probes/report", sent)) == (404, "not-found")
    assert problem(seller.post(f"sites/{site}/probes/report", sent | {"probes": []})) == (400, "invalid")
    assert LatencyProbe.objects.count() == 1


def test_certificates_and_measurements_are_recorded(seller, offering):
    certificate = {"kind": "pue", "value": 1_250, "issuer": "CQC", "number": "1"}
    days = {"valid_from": "2026-01-01", "expires_on": "2027-01-01"}
    reading = {"accelerator": "card", "metric": "memory-bandwidth", "value": 1_900_000, "runs": 5, "source": "stream"}
    measured = {"measured_on": "2026-09-30", "expires_on": "2026-12-01"}

    added = seller.post(f"sites/{offering.site_id}/certificates/add", certificate | days)
    reported = seller.post("measurements", reading | measured)

    assert (added.status_code, reported.status_code) == (201, 201)
    assert seller.get(f"sites/{offering.site_id}/certificates").json()[0]["value"] == 1_250
    assert seller.get("measurements").json()["data"][0]["status"] == "submitted"
    assert problem(seller.post("measurements", reading | measured)) == (409, "measurement-exists")
    assert Measurement.objects.count() == 1


def test_a_provider_reads_where_it_stands(seller, buyer):
    stands = seller.get("onboarding").json()

    assert (stands["status"], stands["missing"]) == ("verified", ["licence", "site"])
    assert problem(Machine(buyer).get("onboarding")) == (403, "permission-denied")
