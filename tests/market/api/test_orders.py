"""Reading orders and reservations over HTTP."""

import pytest
import time_machine

from market.api.orders import BUYERS_OWN
from market.models import Offering, OrderStatus
from market.services import matching, orders
from market.services.splits import Split
from tests.market import scenes
from tests.market.agents import Machine
from tests.market.scenes import AT, hours


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def ids(response):
    assert response.status_code == 200, response.content
    return [one["id"] for one in response.json()["data"]]


def test_a_buyer_reads_an_order_and_its_reservation(buyer, offering, card, provider):
    reservation = scenes.reserved(buyer, offering, providers=[provider], name="Fine-tuning")

    order = Machine(buyer).get(f"orders/{reservation.order_id}").json()

    assert (order["status"], order["accelerators"], order["providers"]) == ("matched", ["card"], [str(provider.pk)])
    assert (order["count"], order["hours"], order["limit_micro"], order["name"]) == (2, 3, 3_000_000, "Fine-tuning")
    assert order["reservation"] == {
        "id": str(reservation.pk),
        "order": str(reservation.order_id),
        "offering": str(offering.pk),
        "provider": str(provider.pk),
        "status": "held",
        "count": 2,
        "given_back": 0,
        "starts_at": "2026-10-01T11:00:00+08:00",
        "ends_at": "2026-10-01T14:00:00+08:00",
        "price_micro": 2_000_000,
        "handover": "clock",
        "access_at": None,
        "confirmed_at": None,
        "stopped_at": None,
        "stop_code": "",
        "reclaim_minutes": None,
        "reclaimed_at": None,
    }


def test_an_order_that_waits_says_why(buyer, offering, card):
    order = scenes.order(buyer, card, count=9)
    matching.run(at=AT)

    shown = Machine(buyer).get(f"orders/{order.pk}").json()

    assert (shown["status"], shown["unmatched_reason"], shown["reservation"]) == ("open", "capacity", None)
    assert shown["unmatched_detail"]["free_cards"] == 8


def test_orders_are_seen_by_their_buyer_and_by_who_serves_them(buyer, offering, card):
    served = scenes.reserved(buyer, offering).order
    waiting = scenes.order(buyer, card, at=AT - hours(1))

    assert ids(Machine(buyer).get("orders")) == [str(served.pk), str(waiting.pk)]
    assert ids(Machine(offering.provider).get("orders")) == [str(served.pk)]
    assert ids(Machine(scenes.buyer()).get("orders")) == []
    assert problem(Machine(scenes.buyer()).get(f"orders/{served.pk}")) == (404, "not-found")
    assert problem(Machine(offering.provider).get(f"orders/{waiting.pk}")) == (404, "not-found")


def test_who_serves_a_part_of_an_order_learns_neither_its_limit_nor_of_other_providers(buyer, offering, card):
    other = scenes.listed(scenes.provider(), card, price_micro=2_500_000)
    Offering.objects.update(max_hours=3)
    soon, refused = AT + hours(1), (scenes.provider(),)
    order = scenes.order(buyer, card, count=16, start_max=soon, split=Split(parts=2), refused=refused)
    matching.run(at=AT)
    mine = Machine(buyer).get(f"orders/{order.pk}").json()
    assert (mine["limit_micro"], len(mine["refused"]), len(mine["parts"])) == (3_000_000, 1, 2)

    seen = Machine(other.provider).get(f"orders/{order.pk}").json()

    assert {name: seen[name] for name in BUYERS_OWN} == BUYERS_OWN
    assert [part["provider"] for part in seen["parts"]] == [str(other.provider_id)]
    assert seen["reservation"] == seen["parts"][0]
    assert Machine(offering.provider).get("orders").json()["data"][0]["limit_micro"] is None


def test_orders_are_found_by_their_state(buyer, offering, card):
    cancelled = orders.cancel(order=scenes.order(buyer, card), at=AT)
    scenes.order(buyer, card)

    machine = Machine(buyer)

    assert ids(machine.get("orders", status=OrderStatus.CANCELLED)) == [str(cancelled.pk)]
    assert problem(machine.get("orders", status="lost")) == (400, "invalid")


def test_pages_of_orders_follow_each_other(buyer, offering, card):
    placed = [scenes.order(buyer, card, at=AT - hours(number)) for number in range(5)]
    machine = Machine(buyer)

    first = machine.get("orders", limit=3).json()
    second = machine.get("orders", limit=3, cursor=first["next_cursor"]).json()

    assert [one["id"] for one in first["data"] + second["data"]] == [str(order.pk) for order in placed]


def test_reservations_are_seen_by_both_sides(buyer, offering):
    reservation = scenes.reserved(buyer, offering)

    assert ids(Machine(buyer).get("reservations")) == [str(reservation.pk)]
    assert ids(Machine(offering.provider).get("reservations", status="held")) == [str(reservation.pk)]
    assert ids(Machine(offering.provider).get("reservations", status="ended")) == []
    assert ids(Machine(scenes.provider()).get("reservations")) == []
    assert problem(Machine(scenes.buyer()).get(f"reservations/{reservation.pk}")) == (404, "not-found")


def test_lists_take_few_queries_whatever_their_length(buyer, offering, card, django_assert_max_num_queries):
    for _ in range(12):
        scenes.order(buyer, card, count=1)
    matching.run(at=AT)
    machine = Machine(buyer)

    with django_assert_max_num_queries(7):
        assert len(ids(machine.get("orders"))) == 12
    with django_assert_max_num_queries(3):
        assert len(ids(machine.get("reservations"))) == 12
