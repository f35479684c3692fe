"""Requests for quotations over HTTP: who sees and may do what."""

import pytest
import time_machine

from accounts.models import IdempotentRequest
from market.models import Rfq, SealedBid
from tests.market import rfqs, scenes
from tests.market.agents import Machine
from tests.market.rfqs import START, UNTIL
from tests.market.scenes import AT, hours


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def rfq(buyer, offering):
    return rfqs.publish(buyer, offering, budget_fen=777_77)


def refused(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def envelope(offering, **changes):
    terms = {
        "offering": str(offering.pk),
        "price_micro": 1_234_567,
        "count": 2,
        "starts_at": START.isoformat(),
        "valid_until": (UNTIL + hours(9)).isoformat(),
        "note": "secret words",
    }
    return terms | changes


def test_a_bid_leaves_no_copy_behind(rfq, offering, provider):
    answer = Machine(provider).post(f"rfqs/{rfq.pk}/bid", envelope(offering))

    assert answer.status_code == 201
    assert SealedBid.objects.get().sha256 == answer.json()["sha256"]
    kept = bytes(IdempotentRequest.objects.get().response_body)
    assert b"1234567" not in kept
    assert b"secret" not in kept


def test_a_bid_is_withdrawn(rfq, offering, provider):
    machine = Machine(provider)
    assert refused(machine.post(f"rfqs/{rfq.pk}/bid/withdraw")) == (404, "not-found")
    machine.post(f"rfqs/{rfq.pk}/bid", envelope(offering))

    assert machine.post(f"rfqs/{rfq.pk}/bid/withdraw").json()["version"] == 2
    assert machine.get(f"rfqs/{rfq.pk}/unreadable-bids").json() == []
    assert refused(machine.get(f"rfqs/{rfq.pk}/own-bid")) == (404, "not-found")


def test_strangers_find_nothing(rfq, offering, buyer):
    other_buyer, other = Machine(scenes.buyer()), scenes.listed(scenes.provider(), offering.accelerator)
    hidden = rfqs.publish(buyer, offering, invited=(offering.provider,))
    stranger = Machine(other.provider)

    assert refused(other_buyer.get(f"rfqs/{rfq.pk}")) == (404, "not-found")
    for verb in ("cancel", "decline", "award"):
        body = {"bids": [str(rfq.pk)]} if verb == "award" else {"reason": "x"}
        assert refused(other_buyer.post(f"rfqs/{rfq.pk}/{verb}", body)) == (404, "not-found")
        assert refused(stranger.post(f"rfqs/{rfq.pk}/{verb}", body)) == (404, "not-found")
    assert refused(stranger.post(f"rfqs/{hidden.pk}/bid", envelope(other))) == (404, "not-found")
    assert refused(stranger.post(f"rfqs/{rfq.pk}/bid", envelope(offering))) == (404, "not-found")
    assert [one["id"] for one in stranger.get("rfqs").json()["data"]] == [str(rfq.pk)]
    assert stranger.get("rfqs").json()["data"][0]["budget_fen"] is None
    assert not SealedBid.objects.exists()


def test_a_key_needs_the_scope_of_the_verb(rfq, offering, provider, buyer):
    assert refused(Machine(provider, ["read", "orders"]).post(f"rfqs/{rfq.pk}/bid", envelope(offering)))[0] == 403
    assert refused(Machine(buyer, ["read", "offerings"]).post(f"rfqs/{rfq.pk}/cancel"))[0] == 403
    assert Machine(buyer).post(f"rfqs/{rfq.pk}/cancel", {"reason": "Plans changed."}).json()["status"] == "cancelled"


def test_the_list_asks_few_questions(buyer, offering, django_assert_max_num_queries):
    for _ in range(20):
        rfqs.publish(buyer, offering)
    machine = Machine(offering.provider)

    with django_assert_max_num_queries(15):
        assert len(machine.get("rfqs", status="open").json()["data"]) == 20
    assert Rfq.objects.count() == 20


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"invited": ["0198f000-0000-7000-8000-000000000000"]}, (404, "not-found")),
        ({"accelerators": ["nothing"]}, (422, "unknown-model")),
        ({"bids_until": AT.isoformat()}, (422, "bad-rfq")),
        ({"count": 0}, (400, "invalid")),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(buyer, offering, changes, refusal):
    body = {
        "title": "Cluster",
        "category": "GPU_TRAIN",
        "accelerators": ["card"],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": START.isoformat(),
        "bids_until": UNTIL.isoformat(),
    }

    assert refused(Machine(buyer).post("rfqs", body | changes)) == refusal
    assert not Rfq.objects.exists()
