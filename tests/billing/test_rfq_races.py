"""Late bids against the opening, and two awards at once; each again with its guard removed."""

from threading import Event, Thread

import pytest
from django.db import connection, connections, transaction

from accounts.services.audit import Actor
from billing.services import rfq_awards
from core.models import EntityQuerySet, Stateful
from market.models import Bid, Order, Rfq, RfqStatus, SealedBid
from market.services import rfqs
from tests.billing import scenes
from tests.gathering import look_instead_of_locking
from tests.market import rfqs as requests
from tests.market import scenes as markets
from tests.market.races import race
from tests.market.rfqs import UNTIL
from tests.owning import as_owner
from tests.processes import eventually

MANY = 8


@pytest.fixture
def rfq(transactional_db, buyer, offering):
    scenes.top_up(buyer, 10_000_00)
    return requests.publish(buyer, offering)


@pytest.fixture
def unlocked(monkeypatch):
    """Remove every row lock of ours."""
    monkeypatch.setattr(EntityQuerySet, "locked", lambda rows: rows.order_by("pk"))


def somebody_waits_for_a_lock():
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.rowcount > 0


def bid_while_opening(rfq, offering):
    """Seal a bid in a transaction that has not ended when the opening begins."""
    sealed, go = Event(), Event()

    def bidder():
        with transaction.atomic():
            requests.bid(rfq, offering)
            sealed.set()
            go.wait(60)
        connections.close_all()

    def opener():
        rfqs.open_bids(rfq_id=rfq.pk, at=UNTIL)
        connections.close_all()

    threads = [Thread(target=bidder), Thread(target=opener)]
    threads[0].start()
    assert sealed.wait(60)
    threads[1].start()
    eventually(lambda: not threads[1].is_alive() or somebody_waits_for_a_lock())
    go.set()
    for thread in threads:
        thread.join(60)


def test_an_opening_waits_for_the_bid_that_came_in_time(rfq, offering):
    other = markets.listed(markets.provider(), offering.accelerator)
    requests.bid(rfq, other)

    bid_while_opening(rfq, offering)

    assert SealedBid.objects.count() == Bid.objects.count() == 2
    assert Rfq.objects.get().status == RfqStatus.OPENED


def test_without_its_lock_a_bid_is_lost_between_the_two(rfq, offering, unlocked):
    other = markets.listed(markets.provider(), offering.accelerator)
    requests.bid(rfq, other)

    bid_while_opening(rfq, offering)

    assert (SealedBid.objects.count(), Bid.objects.count()) == (2, 1)


@pytest.fixture
def two(rfq, offering):
    """Two open bids for all the cards that were asked for."""
    other = markets.listed(markets.provider(), offering.accelerator, count=16)
    another = markets.listed(markets.provider(), offering.accelerator, count=16)
    for one in (other, another):
        requests.bid(rfq, one, count=16, price_micro=1_000_000)
    return requests.opened(rfq)


def award(rfq, two):
    def act(number):
        by = Actor(organization=rfq.buyer)
        rfq_awards.award(rfq=rfq, buyer=rfq.buyer, bids=[two[number % 2]], actor=by, at=UNTIL)

    return act


def test_of_two_awards_at_once_one_counts(rfq, two):
    outcomes = race(award(rfq, two), threads=MANY)

    assert outcomes == {"ok": 1, "bids-not-open": MANY - 1}
    assert Order.objects.count() == 1
    assert scenes.broken() == []


def test_without_its_guards_both_awards_count(rfq, two, monkeypatch):
    def move_anyway(row, target, **stamps):
        """Change the status whatever it has become meanwhile."""
        type(row)._default_manager.filter(pk=row.pk).exclude(status=target).update(status=target, **stamps)

    monkeypatch.setattr(Stateful, "move_to", move_anyway)

    look_instead_of_locking(monkeypatch, parties=2)

    outcomes = race(award(rfq, two), threads=2)

    assert outcomes == {"ok": 2}
    assert Order.objects.count() == 2
