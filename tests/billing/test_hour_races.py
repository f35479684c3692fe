"""Freeing hours and holding others while somebody gives back hours of several offerings: nobody waits in a circle."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from accounts.models import Organization
from accounts.services.audit import SYSTEM, Actor
from billing.services import checkout, rfq_awards
from market.models import CalendarHour, Offering, Order, OrderKind, Quote, QuoteStatus, Reservation
from market.services import awards, floors, matching, quoting, reservations, revisions
from market.services.splits import Split
from tests.billing import scenes
from tests.billing.scenes import AT, START
from tests.gathering import LONG
from tests.market import rfqs
from tests.market import scenes as markets

LATER = AT + timedelta(minutes=15)
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)) LIMIT 1"
FOUR = {"count": 4, "hours": 3, "start_max": START, "limit_micro": 2_000_001}

Pair = list[Offering]


@pytest.fixture
def pair(transactional_db, offering, card):
    """Two offerings of eight cards, in the order of the calendar; the second is a little dearer."""
    other = markets.listed(markets.provider("Chengdu Centre"), card, price_micro=2_000_001)
    assert offering.pk < other.pk
    return [offering, other]


@pytest.fixture
def buyer():
    return scenes.funded_buyer(10_000_00)


def in_parts(who: Organization, pair: Pair, starts_at: datetime = START) -> Order:
    """Place an order that gets eight cards of the first offering, which then has four more, and four of the second."""
    window = {"start_min": starts_at, "start_max": starts_at}
    placed = scenes.place(who, pair[0], **(FOUR | window | {"count": 12}), split=Split(parts=2))
    matching.run(at=AT)
    held = Reservation.objects.filter(order=placed).order_by("offering").values_list("offering", "count")
    assert list(held) == [(pair[0].pk, 8), (pair[1].pk, 4)]
    revisions.revise(offering=pair[0], changes={"count": 12}, actor=SYSTEM, at=AT)
    return placed


def quoted(who: Organization, offering: Offering, *, at: datetime) -> Quote:
    """Give a quote that looks at every offering and finds one."""
    demand = quoting.of_listing(offering, scenes.demand(offering, **FOUR))
    return quoting.give(buyer=who, demand=demand, actor=Actor(organization=who), at=at)


def come_as_far_as_it_can(other: Future[None]) -> None:
    """Wait until the other connection is done, or waits for a lock of this one."""
    with connection.cursor() as cursor:
        for _look in range(LONG * 20):
            cursor.execute(WAITING)
            if cursor.fetchone() or other.done():
                return
            sleep(0.05)


def cancelling_after(patch: pytest.MonkeyPatch, module: Any, name: str, order: Order) -> list[Future[None]]:
    """Let another connection cancel an order once ``name`` was called, as far as it comes."""
    pool, started, act = ThreadPoolExecutor(1), list[Future[None]](), getattr(module, name)

    def cancel() -> None:
        try:
            checkout.cancel(order=order, actor=Actor(organization=order.buyer), at=LATER)
        finally:
            connections.close_all()

    def acted(*args: Any, **terms: Any) -> Any:
        found = act(*args, **terms)
        if not started:
            started.append(pool.submit(cancel))
            come_as_far_as_it_can(started[0])
        return found

    patch.setattr(module, name, acted)
    return started


def reserved(offering: Offering) -> list[int]:
    return list(CalendarHour.objects.filter(offering=offering).order_by("hour").values_list("reserved", flat=True))


def quote(who: Organization, pair: Pair) -> None:
    quoted(who, pair[0], at=LATER)


def clear(who: Organization, pair: Pair) -> None:
    """Let orders of four cards of each offering be matched."""
    for one in pair:
        scenes.place(who, one, **FOUR, providers=(one.provider,), at=LATER)
    matching.run(at=LATER)


def contested(act: Callable[[Organization, Pair], None], who: Organization, pair: Pair, patch: Any) -> Future[None]:
    """Let somebody sell cards of an overdue quote while an order in parts is cancelled; return the cancellation."""
    parts, _overdue = in_parts(who, pair), quoted(who, pair[1], at=AT)
    started = cancelling_after(patch, reservations, "release_capacity", parts)
    act(who, pair)
    return started[0]


@pytest.mark.parametrize(("act", "left"), [(quote, [4, 0]), (clear, [4, 4])])
def test_who_sells_the_cards_of_an_overdue_quote_and_who_cancels_parts_do_not_wait_for_each_other(
    pair, buyer, monkeypatch, act, left
):
    contested(act, buyer, pair, monkeypatch).result(timeout=LONG)

    assert Order.objects.get(parts_max=2).status == "cancelled"
    assert Quote.objects.earliest("quoted_at").status == QuoteStatus.EXPIRED
    assert [reserved(one) for one in pair] == [[cards] * 3 for cards in left]
    assert scenes.broken() == []


@pytest.mark.parametrize("act", [quote, clear])
def test_who_frees_hours_before_having_all_of_them_waits_in_a_circle(pair, buyer, monkeypatch, act):
    monkeypatch.setattr(reservations, "lock_hours", lambda **_terms: None)

    with pytest.raises(OperationalError, match="deadlock"):  # one of the two ends
        contested(act, buyer, pair, monkeypatch).result(timeout=LONG)


def test_who_frees_later_hours_of_an_overdue_quote_and_who_cancels_all_of_them_do_not_wait_for_each_other(
    transactional_db, offering, buyer, monkeypatch
):
    afterwards, by = START + timedelta(hours=3), Actor(organization=buyer)
    order = scenes.matched(buyer, offering, starts_at=START, at=AT, hours=6).order
    later = scenes.demand(offering, start_min=afterwards, start_max=afterwards)
    overdue = quoting.give(buyer=buyer, demand=later, actor=by, at=AT)
    started = cancelling_after(monkeypatch, reservations, "release_capacity", order)

    quoted(buyer, offering, at=LATER)
    started[0].result(timeout=LONG)

    assert Quote.objects.get(pk=overdue.pk).status == QuoteStatus.EXPIRED
    assert reserved(offering) == [4, 4, 4, 0, 0, 0]
    assert scenes.broken() == []


def test_a_clearing_that_reclaims_cards_and_who_cancels_parts_do_not_wait_for_each_other(pair, buyer, monkeypatch):
    parts = in_parts(buyer, pair)
    floors.offer(offering=pair[1], floor_micro=500_000, reclaim_minutes=0, actor=SYSTEM, at=AT)
    scenes.place(buyer, pair[1], **FOUR, kind=OrderKind.INTERRUPTIBLE)
    matching.run_interruptible(at=AT)
    started = cancelling_after(monkeypatch, reservations, "release_capacity", parts)

    clear(buyer, pair)
    started[0].result(timeout=LONG)

    assert [reserved(one) for one in pair] == [[4] * 3, [4] * 3]
    assert scenes.broken() == []


@pytest.mark.parametrize(("module", "name"), [(checkout, "fund"), (awards, "reserve")])
def test_who_awards_bids_and_who_cancels_parts_do_not_wait_for_each_other(pair, buyer, monkeypatch, module, name):
    request = rfqs.publish(buyer, pair[0], count=8, hours=3)
    for one, price_micro in zip(pair, (1_900_000, 1_700_000), strict=True):
        rfqs.bid(request, one, price_micro=price_micro, count=4)
    bids = rfqs.opened(request)
    parts = in_parts(buyer if module is checkout else scenes.funded_buyer(), pair, rfqs.START)
    started = cancelling_after(monkeypatch, module, name, parts)

    rfq_awards.award(rfq=request, buyer=buyer, bids=bids, actor=Actor(organization=buyer), at=rfqs.UNTIL)
    started[0].result(timeout=LONG)

    assert [reserved(one) for one in pair] == [[4] * 3, [4] * 3]
    assert scenes.broken() == []
