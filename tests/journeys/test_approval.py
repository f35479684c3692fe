"""An order above its buyer's limit through the API: asked for, approved by another person, matched; or not."""

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Role
from accounts.services import keys
from accounts.services.audit import Actor
from billing.models import ApprovalRequest
from market.models import Order
from market.services import matching
from tests.billing import scenes
from tests.billing.api.conftest import rehearsal  # noqa: F401 - a fixture
from tests.billing.conftest import buyer, card, offering, provider, set_clock  # noqa: F401 - fixtures
from tests.billing.scenes import AT, HOUR, START

ORDERS, APPROVALS, LIMIT = "/api/v1/orders", "/api/v1/orders/approvals", "/api/v1/orders/spending-limit"


@pytest.fixture
def client_of(buyer):
    def client(role, scopes=("read", "orders"), who=None):
        person = Actor(user=scenes.person(), organization=who or buyer)
        Membership.objects.create(user=person.user, organization=who or buyer, role=role)
        _key, token = keys.issue(organization=who or buyer, name="k", scopes=list(scopes), actor=person, at=AT)
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_ACCEPT_LANGUAGE="en")
        return made

    return client


def post(client, path, body=None, key="k"):
    return client.post(path, body or {}, format="json", headers={"Idempotency-Key": f"{key}{path}"})


@pytest.fixture
def body(offering):
    return {
        "category": "GPU_TRAIN",
        "accelerators": [offering.accelerator.code],
        "count": 2,
        "hours": 3,
        "start_min": START.isoformat(),
        "start_max": (START + 2 * HOUR).isoformat(),
        "limit_micro": 2_000_000,
        "name": "training",
    }


def test_asked_for_approved_by_another_person_and_matched(client_of, body):
    owner, trader, reviewer = client_of(Role.OWNER), client_of(Role.TRADER), client_of(Role.REVIEWER)
    assert owner.get(LIMIT).json() == {"limit_fen": None}
    assert trader.put(LIMIT, {"limit_fen": 1}, format="json").status_code == 403
    assert owner.put(LIMIT, {"limit_fen": -1}, format="json").status_code == 400
    assert owner.put(LIMIT, {"limit_fen": 1_000}, format="json").json() == {"limit_fen": 1_000}

    asked = post(trader, ORDERS, body)
    again = post(trader, ORDERS, body)

    assert (asked.status_code, asked.json()["status"], again.json()["id"]) == (
        202,
        "awaiting_approval",
        asked.json()["id"],
    )
    assert trader.get("/api/v1/wallet").json()["held_fen"] == 0
    one = f"{APPROVALS}/{asked.json()['id']}"
    assert post(trader, f"{one}/approve").json()["code"] == "forbidden"
    assert [row["id"] for row in reviewer.get(f"{APPROVALS}?status=awaiting_approval").json()["data"]] == [
        asked.json()["id"]
    ]
    approved = post(reviewer, f"{one}/approve", key="r").json()
    assert (approved["status"], approved["estimate_fen"]) == ("approved", 1_200)
    matching.run(at=AT)
    order = trader.get(f"{ORDERS}/{approved['order']}").json()
    assert (order["status"], order["name"]) == ("matched", "training")
    assert trader.get("/api/v1/wallet").json()["held_fen"] == 1_200
    assert post(reviewer, f"{one}/reject", {"reason": "late"}).json()["code"] == "approval-over"
    assert scenes.broken() == []


def test_rejected_with_a_reason_or_taken_back_and_nothing_was_ever_held(client_of, body):
    owner, trader = client_of(Role.OWNER), client_of(Role.TRADER)
    owner.put(LIMIT, {"limit_fen": 0}, format="json")
    first = post(trader, ORDERS, body, key="a").json()["id"]
    second = post(trader, ORDERS, body, key="b").json()["id"]

    assert post(owner, f"{APPROVALS}/{first}/reject").status_code == 400
    rejected = post(owner, f"{APPROVALS}/{first}/reject", {"reason": "no budget"}, key="r").json()
    withdrawn = post(trader, f"{APPROVALS}/{second}/withdraw").json()

    assert (rejected["status"], rejected["reason"], withdrawn["status"]) == ("rejected", "no budget", "withdrawn")
    own = post(owner, ORDERS, body, key="c").json()["id"]
    assert post(owner, f"{APPROVALS}/{own}/approve").json()["code"] == "second-person-needed"
    stranger = client_of(Role.OWNER, who=scenes.funded_buyer())
    assert stranger.get(f"{APPROVALS}/{own}").status_code == 404
    assert post(stranger, f"{APPROVALS}/{own}/approve").status_code == 404
    assert not Order.objects.exists()
    assert ApprovalRequest.objects.count() == 3
