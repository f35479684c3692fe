"""Reserved blocks of months, and orders at the site of a reservation, through the API and to the fen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.services.audit import SYSTEM
from billing.selectors import Wallet, wallet
from billing.services import charges, fundings
from core.periods import HOUR
from market.matching.book import Ask, Bid
from market.models import Order, Reservation
from market.pricing import Plan, Step
from market.services import auctions, blocks, matching, prices, reservations
from tests.billing import scenes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.journeys.test_order_to_settlement import Party
from tests.market import scenes as markets
from tests.market.matching.scenes import key

BEGINS = datetime(2027, 2, 28, 16, tzinfo=UTC)  # midnight of March in Shanghai, 151 days ahead


@pytest.fixture
def world(db: None, set_clock: Any) -> Any:
    """Return a buyer and a listing at ¥2.00, a tenth less from 700 hours on."""
    set_clock(AT)
    card = markets.accelerator("910b")
    offering = markets.listed(markets.provider(), card)
    plan = Plan(base_micro=2_000_000, terms=(Step(at_least=700, discount_bp=1_000),))
    prices.publish(offering=offering, plan=plan, starts_at=AT + HOUR, actor=SYSTEM, at=AT)
    return Party(scenes.funded_buyer(500_000), ["read", "orders"]), offering


def block(offering: Any, **terms: Any) -> dict[str, Any]:
    return {"offering": str(offering.pk), "count": 2, "starts_on": "2027-03-01", "months": 1} | terms


def test_a_block_is_bought_ahead_used_and_billed_at_the_price_of_its_term(world):
    buyer, offering = world

    bought = buyer.post("orders/blocks", block(offering), key="block")

    held = Reservation.objects.get()
    assert (bought["kind"], bought["status"], bought["hours"]) == ("block", "matched", 744)
    assert (held.starts_at, held.ends_at, held.price_micro) == (BEGINS, BEGINS + 744 * HOUR, 1_800_000)
    assert wallet(buyer.organization).held_fen == 2 * 744 * 180
    reservations.advance(at=BEGINS)
    scenes.meter(held, *[2 * CARD_HOUR_MS] * 3)
    charges.rate_reservation(reservation_id=held.pk, at=BEGINS + 3 * HOUR)
    reservations.advance(at=held.ends_at)
    fundings.close(funding=fundings.due(at=held.ends_at + 80 * HOUR).get(), at=held.ends_at + 80 * HOUR)

    assert buyer.get(f"orders/{bought['id']}")["status"] == "completed"
    assert wallet(buyer.organization) == Wallet(balance_fen=500_000 - 3 * 2 * 180, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


@pytest.mark.parametrize(
    ("terms", "status", "code"),
    [
        ({"months": 2}, 400, "invalid"),
        ({"starts_on": "2026-10-01"}, 422, "bad-block"),
        ({"starts_on": "2027-03-31"}, 422, "bad-block"),
        ({"count": 9}, 409, "nothing-to-quote"),
        ({"limit_micro": 1_000}, 422, "limit-below-every-price"),
        ({"count": 8, "months": 12}, 409, "wallet-too-low"),
    ],
)
def test_a_block_that_cannot_be_is_refused_and_holds_nothing(world, terms, status, code):
    buyer, offering = world

    refused = buyer.post("orders/blocks", block(offering, **terms), key="block", expected=status)

    assert (refused["code"], Order.objects.count(), wallet(buyer.organization).held_fen) == (code, 0, 0)


def test_there_is_no_other_term_and_a_block_is_not_placed_as_an_order(world):
    buyer, offering = world
    with pytest.raises(blocks.BadBlock):
        blocks.demand_of(offering, count=1, starts_on=date(2027, 3, 1), months=2, at=AT)
    wanted = {"category": "GPU_TRAIN", "accelerators": ["910b"], "count": 1, "hours": 1, "limit_micro": 2_000_000}
    window = {"start_min": START.isoformat(), "start_max": START.isoformat(), "kind": "block"}

    assert buyer.post("orders", wanted | window, key="order", expected=400)["code"] == "invalid"
    assert blocks.months_later(date(2027, 8, 31), 6) == date(2028, 2, 29)


@pytest.mark.parametrize("kind", ["instant", "auction"])
def test_an_order_beside_a_reservation_runs_at_its_site_or_says_why_not(world, kind):
    buyer, offering = world
    held = Reservation.objects.get(order=buyer.post("orders/blocks", block(offering), key="block")["id"])
    markets.listed(markets.provider(), offering.accelerator, price_micro=1_000_000)
    dear = markets.listed(offering.provider, offering.accelerator, price_micro=3_000_000, site=offering.site)
    wanted = {"category": "GPU_TRAIN", "accelerators": ["910b"], "hours": 1, "limit_micro": 3_000_000, "kind": kind}
    wanted |= {"start_min": START.isoformat(), "start_max": START.isoformat(), "beside": str(held.pk)}

    near = buyer.post("orders", wanted | {"count": 2}, key="near")
    matching.run(at=AT)
    auctions.hold(at=AT)
    beside = Reservation.objects.get(order=near["id"])
    assert (near["beside"], beside.offering.site) == (str(held.pk), offering.site)
    type(offering).objects.filter(pk__in=[offering.pk, dear.pk]).update(status="paused")
    far = buyer.post("orders", wanted | {"count": 1}, key="far")
    matching.run(at=AT + timedelta(minutes=1))
    auctions.hold(at=AT + timedelta(minutes=1))

    shown = buyer.get(f"orders/{far['id']}")
    assert (shown["status"], shown["unmatched_reason"], shown["unmatched_detail"]) == ("open", "site", {"without": 1})
    stranger = Party(scenes.funded_buyer(1_000), ["read", "orders"])
    assert stranger.post("orders", wanted | {"count": 1}, key="x", expected=404)["errors"]


def test_nothing_stands_at_a_site_that_nobody_asks_for():
    here = Ask(key(1), "m", "p", 1, site="here")
    wants = {"count": 1, "hours": 1, "start_min": 0, "start_max": 0, "limit_micro": 1, "accelerators": frozenset("m")}

    assert here.may_serve(Bid(key(2), 1, **wants))
    assert not here.may_serve(Bid(key(2), 1, sites=frozenset(["there"]), **wants))
