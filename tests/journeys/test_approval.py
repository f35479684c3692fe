"""An order above its buyer's limit through the API: asked for, approved by another person, matched; or not."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.models import Membership, Role
from accounts.services import keys
from accounts.services.audit import Actor
from billing.models import ApprovalRequest, Supplement, TakenLine
from billing.services import approvals
from ledger.services import posting
from market.models import CalendarHour, Order, Reservation
from market.services import listings, matching, quotes
from tests.billing import scenes
from tests.billing.api.conftest import rehearsal  # noqa: F401 - a fixture
from tests.billing.conftest import buyer, card, offering, provider, set_clock  # noqa: F401 - fixtures
from tests.billing.scenes import AT, HOUR, START
from tests.market import rfqs
from tests.market import scenes as markets

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


def limited(owner, limit_fen):
    assert owner.put(LIMIT, {"limit_fen": limit_fen}, format="json").status_code == 200


def test_a_quote_and_a_purchase_wait_while_their_cards_are_held(client_of, body, offering, set_clock):
    owner, trader, reviewer = client_of(Role.OWNER), client_of(Role.TRADER), client_of(Role.REVIEWER)
    line = listings.add_line(
        offering=offering,
        kind="storage",
        name="NVMe",
        unit="gib-month",
        price_micro=360_000,
        actor=Actor(organization=offering.provider),
        at=AT,
    )
    take = {"lines": [{"line": line.pk, "quantity": 1_000}]}
    limited(owner, 1_200)

    # The cards alone are within the limit, with the storage they are not: ¥12.00 and ¥1.50.
    quote = post(trader, f"{ORDERS}/quotes", {name: body[name] for name in body if name != "name"}).json()
    accept = f"{ORDERS}/quotes/{quote['id']}/accept"
    asked = post(trader, accept, take)
    assert (asked.status_code, asked.json()["kind"], asked.json()["estimate_fen"]) == (202, "quote", 1_350)
    assert asked.json()["expires_at"] == quote["expires_at"]
    assert post(trader, accept, take, key="again").json()["code"] == "already-asked"
    assert trader.get("/api/v1/wallet").json()["held_fen"] == 0
    assert sum(CalendarHour.objects.values_list("reserved", flat=True)) == 6
    approved = post(reviewer, f"{APPROVALS}/{asked.json()['id']}/approve").json()
    order = trader.get(f"{ORDERS}/{approved['order']}").json()
    assert (order["status"], trader.get("/api/v1/wallet").json()["held_fen"]) == ("matched", 1_350)
    assert TakenLine.objects.get().reservation_id == UUID(order["reservation"]["id"])

    # A purchase above the limit holds its cards by a quote, which may end before anybody decides.
    bought = {name: body[name] for name in ("count", "hours", "start_min", "start_max")} | {
        "offering": str(offering.pk)
    }
    limited(owner, 1_199)
    asked = post(trader, f"{ORDERS}/purchases", bought)
    assert (asked.status_code, asked.json()["kind"]) == (202, "quote")
    block = {"offering": str(offering.pk), "count": 1, "starts_on": "2026-10-05", "months": 1}
    month = post(trader, f"{ORDERS}/blocks", block)
    assert (month.json()["choice"]["kind"], month.json()["estimate_fen"]) == ("block", 31 * 24 * 200)
    set_clock(AT + timedelta(minutes=16))
    assert (quotes.expire_overdue(at=AT + timedelta(minutes=16)), approvals.expire_overdue(at=AT + HOUR)) == (2, 2)
    late = post(reviewer, f"{APPROVALS}/{asked.json()['id']}/approve").json()
    assert (late["code"], Order.objects.count()) == ("approval-over", 1)
    assert sum(CalendarHour.objects.values_list("reserved", flat=True)) == 6
    assert scenes.broken() == []


def test_an_award_waits_while_its_bids_are_valid(client_of, buyer, offering, card, set_clock):
    owner, trader, reviewer = client_of(Role.OWNER), client_of(Role.TRADER), client_of(Role.REVIEWER)
    scenes.top_up(buyer, 1_000_00)
    limited(owner, 300_00)
    other = markets.listed(markets.provider("Chengdu Centre"), card, price_micro=9_000_000)
    rfq = rfqs.publish(buyer, offering)
    rfqs.bid(rfq, offering, price_micro=1_900_000)
    rfqs.bid(rfq, other, price_micro=1_700_000)
    bids = rfqs.opened(rfq)
    set_clock(rfqs.UNTIL)

    path, wish = f"/api/v1/rfqs/{rfq.pk}/award", {"bids": [str(bid.pk) for bid in bids]}
    asked = post(trader, path, wish)
    # The dearer order is of 8 cards × 24 hours × ¥1.90.
    assert (asked.status_code, asked.json()["kind"], asked.json()["estimate_fen"]) == (202, "award", 364_80)
    assert post(trader, path, wish, key="again").json()["code"] == "already-asked"
    assert not Order.objects.exists()
    assert post(reviewer, f"{APPROVALS}/{asked.json()['id']}/approve").json()["status"] == "approved"

    assert [order["status"] for order in trader.get(ORDERS).json()["data"]] == ["matched", "matched"]
    assert trader.get("/api/v1/wallet").json()["held_fen"] == 326_40 + 364_80
    assert trader.get(f"/api/v1/rfqs/{rfq.pk}").json()["status"] == "awarded"
    assert scenes.broken() == []


def test_an_extension_waits_until_the_reservation_ends_and_is_of_the_hours_that_were_asked_for(
    client_of, body, offering, set_clock
):
    owner, trader, reviewer = client_of(Role.OWNER), client_of(Role.TRADER), client_of(Role.REVIEWER)
    limited(owner, 1_200)
    wanted = {name: body[name] for name in ("count", "hours", "start_min", "start_max")}
    held = post(trader, f"{ORDERS}/purchases", wanted | {"offering": str(offering.pk)}).json()["reservation"]
    path = f"/api/v1/reservations/{held['id']}"

    asked = post(trader, f"{path}/extend", {"hours": 2}).json()
    assert (asked["kind"], asked["reservation"], asked["order"]) == ("extension", held["id"], None)
    assert (asked["estimate_fen"], asked["demand"]["hours"], asked["expires_at"]) == (2_000, 2, held["ends_at"])
    assert post(trader, f"{path}/extend", {"hours": 1}, key="again").json()["code"] == "already-asked"
    assert trader.get("/api/v1/wallet").json()["held_fen"] == 1_200
    assert sum(CalendarHour.objects.values_list("reserved", flat=True)) == 6

    # Other hours follow once some were given back: what was asked for is no longer what would be done.
    one = f"{APPROVALS}/{asked['id']}"
    assert post(trader, f"{one}/approve").json()["code"] == "forbidden"
    post(trader, f"{path}/shorten", {"hours": 1})
    assert post(reviewer, f"{one}/approve", key="r").json()["code"] == "other-hours"
    assert post(trader, f"{one}/withdraw").json()["status"] == "withdrawn"
    asked = post(trader, f"{path}/extend", {"hours": 3}, key="more").json()
    assert post(reviewer, f"{APPROVALS}/{asked['id']}/approve").json()["status"] == "approved"

    assert Reservation.objects.get().hours == 5
    assert sum(CalendarHour.objects.values_list("reserved", flat=True)) == 10
    # What is approved bounds the order, whoever writes.
    assert post(trader, f"{path}/extend", {"hours": 1}, key="beyond").json()["estimate_fen"] > asked["estimate_fen"]
    more = Supplement.objects.get()
    more.pk, more.number, more.estimate_fen, more.wallet_fen = uuid4(), 2, 401, 401
    more.wallet_hold = posting.hold(
        key="past", account=posting.open_account(code="past", floor_fen=-401), amount_fen=401
    )
    with pytest.raises(IntegrityError, match="more than one person may order"), transaction.atomic():
        more.save(force_insert=True)
    assert scenes.broken() == []
