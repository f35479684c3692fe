"""A voucher waits with its order for cards for as long as its programme says; then both are given up."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services.audit import Actor
from billing import selectors
from billing.api.serializers import QuoteOut
from billing.models import FundingStatus
from billing.services import checkout, fundings, held_quotes
from billing.services.held_quotes import Chosen
from market.models import Order, OrderKind, OrderStatus, TimeInForce
from market.models.order_terms import FIRST_CLEARING_WITHIN
from market.services import matching, orders
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.scenes import AT, HOUR, START
from vouchers.models import RedemptionStatus
from vouchers.parameters.checks import SHORTEST_HOLD_MINUTES
from vouchers.selectors import grant_balance

MINUTE, MS = timedelta(minutes=1), timedelta(milliseconds=1)
UNTIL = AT + 30 * MINUTE


@pytest.fixture
def brief(buyer, provider):
    """Return a voucher whose orders wait for half an hour."""
    return scenes.grant(buyer, scenes.programme([provider], changes={"redemption.hold_ttl_minutes": 30}))


def state(order):
    return Order.objects.get(pk=order.pk).status


def test_an_order_without_cards_is_given_up_with_its_voucher_to_the_millisecond(buyer, offering, brief):
    order = scenes.place(buyer, offering, voucher=brief, count=9)
    assert (order.time_in_force, order.good_till) == (TimeInForce.UNTIL, UNTIL)

    assert orders.expire_overdue(at=UNTIL - MS) == 0
    assert (state(order), grant_balance(brief).held_fen) == (OrderStatus.OPEN, 2_700)
    assert orders.expire_overdue(at=UNTIL) == 1
    fundings.close(funding=fundings.due(at=UNTIL).get(), at=UNTIL)

    funding = scenes.funding(order)
    assert (state(order), funding.status) == (OrderStatus.EXPIRED, FundingStatus.CLOSED)
    assert (funding.redemption.status, funding.redemption.closed_at) == (RedemptionStatus.RELEASED, UNTIL)
    balance = grant_balance(brief)
    assert (balance.available_fen, balance.held_fen) == (50_000, 0)
    assert selectors.wallet(buyer).available_fen == 100_000
    assert scenes.broken() == []


def test_an_order_for_one_clearing_keeps_no_voucher_for_long_though_no_clearing_comes(buyer, offering, brief):
    order = scenes.place(buyer, offering, voucher=brief, time_in_force=TimeInForce.IMMEDIATE)
    until = AT + FIRST_CLEARING_WITHIN
    assert FIRST_CLEARING_WITHIN <= SHORTEST_HOLD_MINUTES * MINUTE, "no voucher waits for less"

    assert orders.expire_overdue(at=until) == 1
    fundings.close(funding=fundings.due(at=until).get(), at=until)

    assert (state(order), scenes.funding(order).redemption.status) == (OrderStatus.EXPIRED, RedemptionStatus.RELEASED)
    assert (grant_balance(brief).held_fen, selectors.wallet(buyer).available_fen) == (0, 100_000)


def test_an_order_that_gets_cards_in_time_keeps_its_voucher_to_its_end(buyer, offering, brief):
    order = scenes.place(buyer, offering, voucher=brief)

    matching.run(at=UNTIL - MS)
    assert (state(order), orders.expire_overdue(at=START + HOUR)) == (OrderStatus.MATCHED, 0)
    assert scenes.funding(order).redemption.status == RedemptionStatus.HELD
    assert grant_balance(brief).held_fen == 600


def test_nothing_is_matched_any_more_when_the_time_has_come_even_before_the_order_is_given_up(buyer, offering, brief):
    order = scenes.place(buyer, offering, voucher=brief)

    matching.run(at=UNTIL)
    assert state(order) == OrderStatus.OPEN


def test_an_order_that_is_split_keeps_the_parts_it_got_and_gives_up_the_rest(buyer, offering, brief):
    order = scenes.place(buyer, offering, voucher=brief, count=12, split=Split(parts=2, cards=4, hours=3))
    matching.run(at=AT)
    assert (state(order), order.reservations.count()) == (OrderStatus.OPEN, 1)

    assert orders.expire_overdue(at=UNTIL) == 1
    assert state(order) == OrderStatus.MATCHED
    assert scenes.funding(order).redemption.status == RedemptionStatus.HELD


@pytest.mark.parametrize(
    ("terms", "stands"),
    [
        ({"good_till": AT + 10 * MINUTE, "time_in_force": TimeInForce.UNTIL}, AT + 10 * MINUTE),
        ({"good_till": START, "time_in_force": TimeInForce.UNTIL}, UNTIL),
        ({"time_in_force": TimeInForce.IMMEDIATE}, None),
    ],
    ids=["sooner of its own", "later of its own", "immediate"],
)
def test_an_order_waits_less_long_where_its_buyer_says_so(buyer, offering, brief, terms, stands):
    assert scenes.place(buyer, offering, voucher=brief, **terms).good_till == stands


def test_an_order_that_has_to_start_sooner_and_one_that_has_its_cards_have_no_other_time(buyer, offering, brief):
    soon = scenes.place(buyer, offering, voucher=brief, at=START - 20 * MINUTE, start_max=START)
    assert (soon.time_in_force, soon.good_till) == (TimeInForce.WINDOW, None)

    later = scenes.demand(offering, start_min=START + 24 * HOUR, start_max=START + 24 * HOUR)
    actor, chosen = Actor(organization=buyer, user=scenes.person()), Chosen(brief, kind=OrderKind.INSTANT)
    bought = held_quotes.buy(offering=offering, buyer=buyer, demand=later, chosen=chosen, actor=actor, at=AT)
    assert (bought.status, bought.good_till) == (OrderStatus.MATCHED, None)


def test_the_quote_says_until_when_the_order_stands(buyer, offering, brief, grant):
    told = checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=brief, at=AT)
    assert (told.good_till, QuoteOut(told).data["good_till"]) == (UNTIL, "2026-10-01T10:30:00+08:00")
    assert checkout.quote(buyer=buyer, demand=scenes.demand(offering), grant=grant, at=AT).good_till is None


def test_the_database_lets_no_open_order_stand_for_longer_than_its_voucher_waits(buyer, offering, brief, monkeypatch):
    order = scenes.place(buyer, offering, voucher=brief, count=9)
    with (
        pytest.raises(IntegrityError, match="stands for longer") as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE market_order SET good_till = good_till + interval '1 ms' WHERE id = %s", [order.pk])
    assert refusal.value.__cause__.diag.constraint_name == "order_stands_while_voucher_waits"

    monkeypatch.setattr(checkout, "_while_held", lambda demand, *_args: demand)
    with pytest.raises(IntegrityError, match="stands for longer"), transaction.atomic():
        scenes.place(buyer, offering, voucher=brief)
