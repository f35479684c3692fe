"""Thirty-two threads at the same moment, each race once with the guard and once without it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection

from ledger import selectors
from ledger.models import Balance, Hold, Transfer
from ledger.services import posting
from ledger.services.posting import Entry
from tests.ledger import scenes
from tests.ledger.scenes import AT, move, standing
from tests.market.races import THREADS, race, without_constraint
from tests.owning import as_owner

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def without_trigger(table: str, name: str) -> Iterator[None]:
    """Take a guard away for a negative control."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def test_the_last_fen_is_spent_once():
    wallet, sink = scenes.wallet(fen=1), scenes.source("sink")

    outcomes = race(lambda n: posting.post(key=f"fee {n}", kind="fee", legs=move(wallet, sink, 1), at=AT))

    assert outcomes == {"ok": 1, "overdrawn": THREADS - 1}
    assert standing(wallet) == (0, 0)
    assert selectors.balance_fen(account=sink) == 1
    assert selectors.reconcile() == []


def test_without_the_floor_reading_before_writing_spends_the_last_fen_many_times():
    wallet, sink = scenes.wallet(fen=1), scenes.source("sink")
    everyone_has_read = Barrier(THREADS)

    def read_then_write(number: int) -> None:
        enough = selectors.available_fen(account=wallet) >= 1
        everyone_has_read.wait(timeout=60)
        if enough:
            posting.post(key=f"fee {number}", kind="fee", legs=move(wallet, sink, 1), at=AT)

    with without_constraint("ledger_balance", "ledger_balance_floor"):
        outcomes = race(read_then_write)

        assert outcomes == {"ok": THREADS}
        assert standing(wallet) == (1 - THREADS, 0)


def test_the_last_fen_is_held_once():
    wallet = scenes.wallet(fen=1)

    outcomes = race(lambda n: posting.hold(key=f"order {n}", account=wallet, amount_fen=1))

    assert outcomes == {"ok": 1, "overdrawn": THREADS - 1}
    assert standing(wallet) == (1, 1)
    assert Hold.objects.count() == 1


def test_the_last_fen_of_a_hold_is_captured_once():
    wallet, sink = scenes.wallet(fen=100), scenes.source("sink")
    hold = posting.hold(key="order", account=wallet, amount_fen=1)

    outcomes = race(lambda n: posting.capture(hold=hold, key=f"{n}", kind="fee", legs=move(wallet, sink, 1), at=AT))

    assert outcomes == {"ok": 1, "overdrawn": THREADS - 1}
    assert standing(wallet) == (99, 0)
    assert selectors.reconcile() == []


def test_one_key_is_posted_once_and_everyone_gets_the_same_transfer():
    wallet, sink = scenes.wallet(fen=100), scenes.source("sink")
    ids = set()

    outcomes = race(lambda _n: ids.add(posting.post(key="fee", kind="fee", legs=move(wallet, sink, 1), at=AT).pk))

    assert outcomes == {"ok": THREADS}
    assert ids == {Transfer.objects.get(key="fee").pk}
    assert standing(wallet) == (99, 0)


def test_without_the_unique_key_looking_before_posting_posts_it_many_times():
    wallet, sink = scenes.wallet(fen=100), scenes.source("sink")
    everyone_has_looked = Barrier(THREADS)
    legs = [wallet.pk, sink.pk]

    def look_then_post(_number: int) -> None:
        posted = Transfer.objects.filter(key="fee").exists()
        everyone_has_looked.wait(timeout=60)
        if not posted:
            Transfer.objects.create(
                key="fee", kind="fee", amount_fen=1, account_ids=legs, amounts_fen=[-1, 1], effective_at=AT
            )

    with without_constraint("ledger_transfer", "ledger_transfer_key_once"):
        race(look_then_post)

        assert Transfer.objects.filter(key="fee").count() == THREADS
        assert standing(wallet) == (100 - THREADS, 0)


def test_a_hold_is_captured_or_voided_but_never_captured_afterwards():
    wallet, sink = scenes.wallet(fen=100), scenes.source("sink")
    hold = posting.hold(key="order", account=wallet, amount_fen=100)

    def capture_or_void(number: int) -> None:
        if number % 4 == 0:
            posting.void(hold=Hold.objects.get(pk=hold.pk))
        else:
            posting.capture(hold=hold, key=f"{number}", kind="fee", legs=move(wallet, sink, 1), at=AT)

    outcomes = race(capture_or_void)

    captured = Hold.objects.get().captured_fen
    assert outcomes == Counter({"ok": captured + 1, "hold-closed": THREADS - captured - 1})
    assert Hold.objects.get().status == "voided"
    assert standing(wallet) == (100 - captured, 0)
    assert selectors.balance_fen(account=sink) == captured
    assert selectors.reconcile() == []


def test_without_the_guard_looking_before_capturing_takes_from_a_voided_hold():
    wallet, sink = scenes.wallet(fen=100), scenes.source("sink")
    hold = posting.hold(key="order", account=wallet, amount_fen=100)
    everyone_has_looked, voided = Barrier(THREADS), Barrier(THREADS)

    def look_then_capture(number: int) -> None:
        pending = Hold.objects.get(pk=hold.pk).status == "pending"
        everyone_has_looked.wait(timeout=60)
        if number == 0:
            posting.void(hold=hold)
        voided.wait(timeout=60)
        if number and pending:
            posting.capture(hold=hold, key=f"{number}", kind="fee", legs=move(wallet, sink, 1), at=AT)

    with (
        without_trigger("ledger_hold", "ledger_hold_closed"),
        without_constraint("ledger_balance", "ledger_balance_held_not_negative"),
    ):
        outcomes = race(look_then_capture)

        assert outcomes == {"ok": THREADS}
        assert (Hold.objects.get().status, Hold.objects.get().captured_fen) == ("voided", THREADS - 1)
        assert Balance.objects.get(pk=wallet.pk).held_fen == 1 - THREADS
        assert [difference.what for difference in selectors.reconcile()] == ["balance.held"]


def test_bulks_that_cross_each_other_do_not_deadlock():
    wallets = [scenes.wallet(f"w{number}", fen=1000) for number in range(8)]

    def cross(number: int) -> None:
        around = wallets[number % 8 :] + wallets[: number % 8]
        around = around if number % 2 else around[::-1]
        pairs = pairwise(around)
        posting.post_many(
            entries=[Entry(f"{number}/{giver.pk}", "x", move(giver, taker, 1), AT) for giver, taker in pairs]
            + [Entry(f"all/{giver.pk}", "x", move(giver, wallets[0], 1), AT) for giver in around if giver != wallets[0]]
        )

    outcomes = race(cross)

    assert outcomes == {"ok": THREADS}
    assert Transfer.objects.filter(kind="x").count() == 7 * THREADS + 7
    assert sum(selectors.balance_fen(account=wallet) for wallet in wallets) == 8000
    assert selectors.reconcile() == []
