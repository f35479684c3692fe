"""How orders are split: what makes no sense, and what PostgreSQL refuses however many write at once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from accounts.services.audit import SYSTEM
from core.constraints import refusing
from core.errors import Conflict
from market.models import Match, MatchBatch, Order, OrderStatus
from market.services import matching, orders, quoting, splits
from market.services.orders import Demand
from market.services.splits import BadParts, Split
from tests import emptying
from tests.market import scenes
from tests.market.races import race
from tests.market.scenes import AT, hours
from tests.owning import as_owner


@pytest.mark.parametrize("parts", [1, 21])
def test_an_order_is_split_into_two_to_twenty_parts(buyer, offering, card, parts):
    with pytest.raises(BadParts) as refused:
        scenes.order(buyer, card, split=Split(parts=parts))

    assert list(refused.value.fields) == ["parts_max"]


def test_a_quote_is_for_one_block_of_cards(buyer, offering, card):
    wanted = Demand(
        category=offering.category,
        accelerators=(card,),
        count=2,
        hours=1,
        start_min=AT + hours(1),
        start_max=AT + hours(1),
        limit_micro=3_000_000,
        split=Split(parts=2),
    )

    with pytest.raises(BadParts):
        quoting.give(buyer=buyer, demand=wanted, actor=SYSTEM, at=AT)


def test_an_order_whose_smallest_part_nobody_sells_is_refused(buyer, provider, card):
    offering = scenes.listed(provider, card)
    type(offering).objects.update(min_count=2, step_count=2, max_count=8, max_hours=2)
    with pytest.raises(orders.NotSoldSo):
        scenes.order(buyer, card, count=20, split=Split(parts=2, cards=9))

    with pytest.raises(orders.NotSoldSo):
        scenes.order(buyer, card, split=Split(parts=2, hours=3))

    assert scenes.order(buyer, card, count=20, split=Split(parts=3, cards=7)).part_cards == 7


def test_giving_up_an_order_without_parts_lets_it_expire(buyer, offering, card):
    order = scenes.order(buyer, card, count=9, split=Split(parts=2, all_or_none=True), start_max=AT + hours(1))
    matching.run(at=AT)

    assert orders.expire_overdue(at=AT + hours(1) + timedelta(minutes=1)) == 1
    order.refresh_from_db()
    assert (order.status, splits.give_up(ids=[], at=AT)) == (OrderStatus.EXPIRED, 0)


def part(order, offering, batch, number, card_hours=4):
    Match.objects.create(
        batch=batch, order=order, offering=offering, part=number, card_hours=card_hours, starts_at=AT, price_micro=1
    )


def test_an_order_that_is_not_split_is_matched_once(buyer, offering, card):
    order = scenes.order(buyer, card)
    batch = MatchBatch.objects.create(at=AT, engine="test", input_sha256="", orders=1, matched=1)
    part(order, offering, batch, 1, card_hours=None)

    with pytest.raises(IntegrityError, match="more parts than it wants"):
        part(order, offering, batch, 2)


def crowd():
    """Let 32 writers give parts of four card-hours each to an order of twelve."""
    who, card = scenes.buyer(), scenes.accelerator()
    offering = scenes.listed(scenes.provider(), card)
    order = scenes.order(who, card, count=4, split=Split(parts=20))
    batch = MatchBatch.objects.create(at=AT, engine="test", input_sha256="", orders=1, matched=1)

    def act(number):
        with refusing(match_parts_within_order=Conflict("full")):
            part(Order.objects.get(), offering, batch, number + 1)

    return order, race(act)


@pytest.mark.django_db(transaction=True)
def test_many_writers_never_give_an_order_more_than_it_wants():
    order, outcomes = crowd()

    assert (outcomes["ok"], Match.objects.filter(order=order).count()) == (3, 3)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_on_the_order_it_gets_more_than_it_wants():
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE market_match DISABLE TRIGGER match_parts_within_order")
    try:
        _order, outcomes = crowd()
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE market_match ENABLE TRIGGER match_parts_within_order")

    assert outcomes["ok"] == 32
