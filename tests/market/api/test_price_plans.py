"""Price plans, prices and tariffs over HTTP."""

from uuid import uuid4

import pytest
import time_machine

from market.models import PricePlan
from market.services import prices
from tests.market import scenes
from tests.market.agents import Machine
from tests.market.scenes import AT, SYSTEM, hours

NIGHT = {"from_hour": 23, "to_hour": 7, "price_micro": 1_500_000}
PLAN = {"base_micro": 2_000_000, "bands": [NIGHT], "terms": [{"at_least": 4, "discount_bp": 1_000}]}
SOON = (AT + hours(1)).isoformat()


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def seller(provider):
    return Machine(provider)


@pytest.fixture
def customer(buyer):
    return Machine(buyer)


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_seller_publishes_a_plan_that_everyone_reads(seller, customer, offering):
    address = f"offerings/{offering.pk}/price-plans"

    published = seller.post(address, {"starts_at": SOON, "plan": PLAN})

    assert published.status_code == 201
    whole = PLAN | {"electricity": None, "volumes": []}
    assert published.json()["plan"] == whole
    assert [one["plan"] for one in customer.get(address).json()["data"]] == [whole]


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"starts_at": AT.isoformat()}, (422, "bad-price-plan")),
        ({"plan": PLAN | {"bands": [NIGHT, NIGHT]}}, (422, "bad-price-plan")),
        ({"plan": {"base_micro": 0}}, (400, "invalid")),
        ({"plan": PLAN | {"bands": [NIGHT | {"price": 1}]}}, (400, "invalid")),
        ({"plan": {"base_micro": 1.5}}, (400, "invalid")),
        ({"plan": None}, (400, "invalid")),
        ({"surprise": 1}, (400, "invalid")),
    ],
)
def test_a_plan_that_makes_no_sense_changes_nothing(seller, offering, changes, answer):
    sent = {"starts_at": SOON, "plan": PLAN} | changes

    refused = seller.post(f"offerings/{offering.pk}/price-plans", sent)

    assert problem(refused) == answer
    assert not PricePlan.objects.exists()


def test_nobody_prices_what_is_anothers(offering):
    rival = Machine(scenes.provider())
    sent = {"starts_at": SOON, "plan": PLAN}

    answers = [rival.post(f"offerings/{pk}/price-plans", sent) for pk in (offering.pk, uuid4())]

    assert [problem(one) for one in answers] == [(404, "not-found")] * 2
    assert not PricePlan.objects.exists()


def test_the_hours_of_an_order_are_priced(seller, customer, offering):
    seller.post(f"offerings/{offering.pk}/price-plans", {"starts_at": SOON, "plan": PLAN})
    starts_at = (AT + hours(12)).isoformat()  # 22:00 in Shanghai

    priced = customer.get(f"offerings/{offering.pk}/price", starts_at=starts_at, hours=4, count=2)

    assert priced.json() == {
        "hourly_micro": [1_800_000, 1_350_000, 1_350_000, 1_350_000],
        "average_micro": 1_462_500,
        "total_fen": 1170,
    }


@pytest.mark.parametrize("wrong", [{"hours": 0}, {"hours": 10**9}, {"count": -1}, {"starts_at": "soon"}, {"x": 1}])
def test_an_order_that_makes_no_sense_is_not_priced(customer, offering, wrong):
    sent = {"starts_at": AT.isoformat(), "hours": 1, "count": 1} | wrong

    assert problem(customer.get(f"offerings/{offering.pk}/price", **sent)) == (400, "invalid")


def test_tariffs_are_public(customer):
    prices.publish_tariff(
        code="sichuan", starts_at=AT, hourly_micro=[500_000] * 24, source="发改委", actor=SYSTEM, at=AT
    )

    (one,) = customer.get("tariffs").json()["data"]

    assert (one["code"], one["hourly_micro"]) == ("sichuan", [500_000] * 24)
