"""Orders that are split, in the call auction: shares, all or none, reasons, and that it replays to the same."""

import io

import numpy as np
import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from market.models import CalendarHour, Order, OrderKind, OrderStatus, Reservation
from market.services import auctions, orders, replays, splits, whole_orders
from market.services.splits import BadParts, Split
from tests.market import scenes
from tests.market.scenes import AT, hours

YUAN = 1_000_000


def wanted(buyer, card, *, split: Split | None, count: int = 12, limit: int = 3 * YUAN, **terms) -> Order:
    window = {"start_min": AT + hours(1), "start_max": AT + hours(1)}
    return scenes.order(
        buyer, card, kind=OrderKind.AUCTION, count=count, hours=2, limit_micro=limit, split=split, **(window | terms)
    )


def answer(order: Order) -> tuple[str, list[int], str, dict]:
    found = Order.objects.get(pk=order.pk)
    counts = [one.count for one in found.parts_in_order]
    return found.status, counts, found.unmatched_reason, found.unmatched_detail


def test_two_offerings_of_eight_serve_twelve_cards_in_two_parts(buyer, offering, card):
    dear = scenes.listed(scenes.provider(), card, price_micro=3 * YUAN)
    order = wanted(buyer, card, split=Split(parts=3, cards=4))

    batch = auctions.hold(at=AT)

    assert (batch.orders, batch.matched) == (1, 1)
    assert answer(order) == (OrderStatus.MATCHED, [8, 4], "", {})
    parts = Order.objects.get().matches.order_by("part").values_list("part", "card_hours", "offering", "price_micro")
    assert list(parts) == [(1, 16, offering.pk, 2 * YUAN), (2, 8, dear.pk, 3 * YUAN)]
    assert Order.objects.get().part_hours == 2
    assert sorted(CalendarHour.objects.values_list("reserved", flat=True)) == [4, 4, 8, 8]
    assert replays.replay(batch).same


def test_what_is_missing_stays_open_and_comes_with_a_later_auction(buyer, offering, card):
    order = wanted(buyer, card, split=Split(parts=3, cards=4))
    auctions.hold(at=AT)
    assert answer(order) == (OrderStatus.OPEN, [8], "capacity", {"free_cards": 0})

    scenes.listed(scenes.provider(), card, price_micro=3 * YUAN)
    auctions.hold(at=AT)

    assert answer(order) == (OrderStatus.MATCHED, [8, 4], "", {})


def test_at_once_or_never_keeps_what_it_got_and_an_order_that_got_nothing_expires(buyer, offering, card):
    some = wanted(buyer, card, split=Split(parts=3, cards=4), time_in_force="immediate-or-cancel")
    none = wanted(buyer, card, split=Split(parts=3, cards=4, all_or_none=True), time_in_force="immediate-or-cancel")

    auctions.hold(at=AT)

    assert answer(some)[:2] == (OrderStatus.MATCHED, [8])
    assert answer(none)[:2] == (OrderStatus.EXPIRED, [])


def test_all_or_none_takes_no_card_from_others_where_its_parts_do_not_add_up(buyer, offering, card):
    whole = wanted(buyer, card, split=Split(parts=3, cards=4, all_or_none=True), limit=9 * YUAN)
    small = wanted(buyer, card, split=None, count=5)

    batch = auctions.hold(at=AT)

    assert answer(whole) == (OrderStatus.OPEN, [], "parts", {"card_hours": 16})
    assert answer(small) == (OrderStatus.MATCHED, [5], "", {})
    assert (batch.orders, batch.matched, batch.welfare_micro) == (2, 1, 5 * 2 * YUAN)
    assert replays.replay(batch).same


def test_of_two_that_stand_in_each_others_way_the_one_worth_more_gets_all(buyer, offering, card):
    split = Split(parts=2, cards=3, all_or_none=True)
    less, more = (wanted(buyer, card, split=split, count=6, limit=limit * YUAN) for limit in (3, 4))

    batch = auctions.hold(at=AT)

    assert answer(more) == (OrderStatus.MATCHED, [6], "", {})
    assert answer(less)[:2] == (OrderStatus.OPEN, [])
    assert list(Reservation.objects.values_list("order", "count")) == [(more.pk, 6)]
    assert replays.replay(batch).same
    with np.load(io.BytesIO(bytes(batch.input.instance))) as kept:
        assert set(kept["req_whole"]) == {1, 2}
    call_command("replay_batch", str(batch.pk), stdout=io.StringIO())


def test_whoever_lacks_a_share_is_withdrawn_sooner_or_later():
    arrays = {
        "req_whole": np.array([1, 1, 2, 2, 3, 3, 0]),
        "req_value": np.array([8, 8, 4, 4, 4, 4, 1]),
        "req_count": np.array([[2]] * 7),
    }

    assert whole_orders.losers(arrays, [1, 2, 3], clearing=1) == [3, 2]
    assert whole_orders.losers(arrays, [1, 2, 3], clearing=4) == [3, 2, 1]
    assert whole_orders.losers(arrays, [1], clearing=6) == [1, 2, 3]


def test_the_auction_divides_by_cards_for_all_hours(buyer, offering, card):
    with pytest.raises(BadParts) as refused:
        wanted(buyer, card, split=Split(parts=2, cards=7))
    order = wanted(buyer, card, split=Split(parts=2, cards=6))

    assert list(refused.value.fields) == ["part_cards"]
    for wrong in ({"part_cards": 7}, {"part_hours": 1}, {"kind": OrderKind.INTERRUPTIBLE}):
        with pytest.raises(IntegrityError, match="order_parts_are_firm"), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**wrong)
    assert splits.for_auction(None, hours=3) is None
    assert orders.cancel(order=order, at=AT).status == OrderStatus.CANCELLED
