"""What one order may take of an offering: so many cards, for so long, after so much notice."""

import pytest

from market.models import OrderStatus, UnmatchedReason
from market.services import auctions, matching, offerings, orders
from market.services.offerings import Lot
from tests.market import scenes
from tests.market.scenes import AT, hours

NODES = Lot(min_count=4, step_count=4, max_count=16, max_hours=6)


@pytest.mark.parametrize("count", [4, 8, 16])
def test_an_order_takes_whole_nodes(buyer, provider, card, count):
    offering = scenes.listed(provider, card, count=32, lot=NODES)
    order = scenes.order(buyer, card, count=count)

    matching.run(at=AT)

    assert order.match.offering == offering


@pytest.mark.parametrize(
    ("count", "length"), [(1, 3), (6, 3), (20, 3), (4, 7)], ids=["too few", "between", "too many", "too long"]
)
def test_what_no_offering_sells_is_refused_with_what_is_sold(buyer, provider, card, count, length):
    scenes.listed(provider, card, count=32, lot=NODES, name="Nodes")

    with pytest.raises(orders.NotSoldSo) as refusal:
        scenes.order(buyer, card, count=count, hours=length)

    assert "Nodes" in str(refusal.value)


def test_the_dearer_offering_serves_what_the_cheaper_does_not_sell(buyer, provider, card):
    scenes.listed(provider, card, count=32, lot=NODES, price_micro=1_000_000)
    dearer = scenes.listed(provider, card, price_micro=2_000_000)
    instant, auctioned = scenes.order(buyer, card, count=2), scenes.order(buyer, card, count=2, kind="auction")

    matching.run(at=AT)
    auctions.hold(at=AT)

    assert (instant.match.offering, auctioned.match.offering) == (dearer, dearer)


def test_an_order_that_nobody_sells_any_more_is_told_so(buyer, provider, card):
    other = scenes.listed(provider, card)
    scenes.listed(provider, card, count=32, lot=NODES)
    instant, auctioned = scenes.order(buyer, card, count=2), scenes.order(buyer, card, count=2, kind="auction")
    offerings.pause(offering=other, actor=scenes.SYSTEM, at=AT)

    matching.run(at=AT)
    auctions.hold(at=AT)

    for order in (instant, auctioned):
        order.refresh_from_db()
        assert (order.status, order.unmatched_reason) == (OrderStatus.OPEN, UnmatchedReason.LOT)


@pytest.mark.parametrize("kind", ["instant", "auction"])
def test_an_order_starts_after_the_notice_and_the_time_to_provision(buyer, provider, card, kind):
    scenes.listed(provider, card, lot=Lot(notice_hours=2, provisioning_minutes=30))
    order = scenes.order(buyer, card, start_min=AT, start_max=AT + hours(9), kind=kind)

    matching.run(at=AT)
    auctions.hold(at=AT)

    assert order.match.starts_at == AT + hours(3)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Lot(min_count=0), "min_count"),
        (Lot(min_count=9), "min_count"),
        (Lot(step_count=0), "step_count"),
        (Lot(min_count=4, max_count=3), "max_count"),
        (Lot(max_count=9), "max_count"),
        (Lot(max_hours=0), "max_hours"),
        (Lot(notice_hours=721), "notice_hours"),
        (Lot(provisioning_minutes=-1), "provisioning_minutes"),
    ],
)
def test_a_senseless_lot_is_refused(provider, card, wrong, field):
    with pytest.raises(offerings.BadTerms) as refusal:
        scenes.draft(provider, card, lot=wrong)

    assert list(refusal.value.fields) == [field]
