"""Setting value aside, capturing it in parts and giving back the rest."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from ledger import selectors
from ledger.models import Hold, HoldStatus, Transfer
from ledger.services import posting
from ledger.services.posting import Capture, Leg
from tests.ledger import scenes
from tests.ledger.scenes import AT, everything, move, standing

CLOSERS = [(posting.settle, "posted"), (posting.void, "voided"), (posting.expire, "expired")]


@pytest.fixture
def hold(wallet) -> Hold:
    return posting.hold(key="order", account=wallet, amount_fen=300)


def take(hold: Hold, sink, fen: int, key: str = "part") -> Transfer:
    return posting.capture(hold=hold, key=key, kind="fee", legs=move(hold.account, sink, fen), at=AT)


def test_a_hold_sets_value_aside(wallet, hold, sink):
    assert standing(wallet) == (1000, 300)
    assert selectors.available_fen(account=wallet) == 700
    assert (hold.status, hold.amount_fen, hold.captured_fen, hold.remaining_fen) == (HoldStatus.PENDING, 300, 0, 300)
    with pytest.raises(posting.Overdrawn):
        posting.post(key="fee", kind="fee", legs=move(wallet, sink, 701), at=AT)


@pytest.mark.parametrize(("fen", "refusal"), [(701, posting.Overdrawn), (0, posting.BadHold), (-1, posting.BadHold)])
def test_a_hold_needs_an_amount_that_is_there(wallet, hold, fen, refusal):
    before = everything()

    with pytest.raises(refusal):
        posting.hold(key="more", account=wallet, amount_fen=fen)

    assert everything() == before


def test_an_account_without_a_floor_cannot_be_held(bank):
    before = everything()

    with pytest.raises(IntegrityError, match="only an account with a floor"), transaction.atomic():
        posting.hold(key="more", account=bank, amount_fen=1)

    assert everything() == before


def test_the_same_key_returns_the_first_hold_even_when_it_has_shrunk(wallet, hold):
    posting.resize(hold=hold, amount_fen=200)

    again = posting.hold(key="order", account=wallet, amount_fen=300)

    assert (again, again.amount_fen) == (hold, 200)
    assert standing(wallet) == (1000, 200)


def test_the_same_key_for_another_hold_is_refused(wallet, hold):
    before = everything()

    for account, fen, expires_at in [(wallet, 301, None), (scenes.wallet("b"), 300, None), (wallet, 300, AT)]:
        with pytest.raises(posting.KeyReused):
            posting.hold(key="order", account=account, amount_fen=fen, expires_at=expires_at)

    assert everything()["Hold"] == before["Hold"]
    assert standing(wallet) == (1000, 300)


def test_a_hold_is_captured_in_parts(wallet, hold, sink):
    take(hold, sink, 100, "first")
    take(hold, sink, 200, "second")

    hold.refresh_from_db()
    assert (hold.captured_fen, hold.remaining_fen, hold.status) == (300, 0, HoldStatus.PENDING)
    assert standing(wallet) == (700, 0)
    assert selectors.balance_fen(account=sink) == 300
    assert [part.key for part in hold.captures.order_by("pk")] == ["first", "second"]
    assert selectors.reconcile() == []


def test_a_capture_may_debit_other_accounts_too(wallet, hold, sink, bank):
    legs = [Leg(wallet, -100), Leg(bank, -50), Leg(sink, 150)]

    posting.capture(hold=hold, key="part", kind="fee", legs=legs, at=AT)

    assert standing(wallet) == (900, 200)


def test_a_capture_beyond_the_hold_is_refused_though_the_account_has_more(wallet, hold, sink):
    take(hold, sink, 100, "first")
    before = everything()

    with pytest.raises(posting.Overdrawn):
        take(hold, sink, 201)

    assert everything() == before


@pytest.mark.parametrize("sign", [1, None])
def test_a_capture_debits_the_held_account(wallet, hold, sink, bank, sign):
    before = everything()
    legs = move(bank, wallet, 10) if sign else move(bank, sink, 10)

    with pytest.raises(posting.NotBalanced):
        posting.capture(hold=hold, key="part", kind="fee", legs=legs, at=AT)

    assert everything() == before


def test_a_capture_is_idempotent_by_its_key(wallet, hold, sink):
    first = take(hold, sink, 100)
    before = everything()

    assert take(hold, sink, 100) == first
    with pytest.raises(posting.KeyReused):
        take(hold, sink, 99)
    with pytest.raises(posting.KeyReused):
        posting.post(key="part", kind="fee", legs=move(wallet, sink, 100), at=AT)

    assert everything() == before


def test_many_captures_of_several_holds_are_made_at_once(wallet, hold, sink):
    other = scenes.wallet("other", fen=50)
    second = posting.hold(key="second", account=other, amount_fen=50)
    captures = [
        Capture(second, "z", "fee", move(other, sink, 50), AT),
        Capture(hold, "x", "fee", move(wallet, sink, 100), AT),
        Capture(hold, "y", "fee", move(wallet, sink, 150), AT),
    ]

    ids = posting.capture_many(captures=captures)

    assert {key: Transfer.objects.get(pk=pk).hold for key, pk in ids.items()} == {"x": hold, "y": hold, "z": second}
    assert list(Hold.objects.order_by("pk").values_list("captured_fen", flat=True)) == [250, 50]
    assert (standing(wallet), standing(other)) == ((750, 50), (0, 0))
    assert selectors.reconcile() == []


def test_many_captures_are_made_whole_or_not_at_all(wallet, hold, sink):
    before = everything()
    captures = [Capture(hold, key, "fee", move(wallet, sink, 151), AT) for key in ["x", "y"]]

    with pytest.raises(posting.Overdrawn):
        posting.capture_many(captures=captures)

    assert everything() == before


@pytest.mark.parametrize(("close", "status"), CLOSERS)
def test_closing_a_hold_gives_back_the_rest(wallet, hold, sink, close, status):
    take(hold, sink, 100)

    close(hold=hold)

    assert hold.status == Hold.objects.get().status == status
    assert Hold.objects.get().remaining_fen == 0
    assert standing(wallet) == (900, 0)
    assert selectors.reconcile() == []


@pytest.mark.parametrize(("close", "_status"), CLOSERS)
@pytest.mark.parametrize(("again", "_other"), CLOSERS)
def test_a_closed_hold_is_neither_closed_again_nor_captured_nor_resized(
    wallet, hold, sink, close, _status, again, _other
):
    stale = Hold.objects.get()
    close(hold=hold)
    before = everything()

    for closed in [hold, stale]:
        with pytest.raises(posting.HoldClosed):
            again(hold=closed)
        with pytest.raises(posting.HoldClosed):
            take(closed, sink, 1)
        with pytest.raises(posting.HoldClosed):
            posting.resize(hold=closed, amount_fen=1)

    assert everything() == before


def test_a_part_of_a_hold_is_released(wallet, hold, sink):
    take(hold, sink, 100)

    posting.resize(hold=hold, amount_fen=150)

    assert hold.amount_fen == 150
    assert standing(wallet) == (900, 50)
    with pytest.raises(posting.Overdrawn):
        take(hold, sink, 51, "more")


@pytest.mark.parametrize("fen", [301, 99, 0, -1])
def test_a_hold_neither_grows_nor_falls_below_what_was_captured(wallet, hold, sink, fen):
    take(hold, sink, 100)
    before = everything()

    with pytest.raises(posting.BadHold):
        posting.resize(hold=hold, amount_fen=fen)

    assert everything() == before


def test_a_hold_is_never_resized_to_nothing(wallet, hold):
    before = everything()

    with pytest.raises(posting.BadHold):
        posting.resize(hold=hold, amount_fen=0)

    assert everything() == before


def test_holds_whose_time_is_over_expire(wallet):
    for key, hours in [("past", -1), ("now", 0), ("future", 1)]:
        posting.hold(key=key, account=wallet, amount_fen=10, expires_at=AT + timedelta(hours=hours))
    posting.hold(key="forever", account=wallet, amount_fen=10)

    assert posting.expire_due(at=AT) == 2

    assert dict(Hold.objects.values_list("key", "status")) == {
        "past": "expired",
        "now": "expired",
        "future": "pending",
        "forever": "pending",
    }
    assert standing(wallet) == (1000, 20)
    assert posting.expire_due(at=AT) == 0


def test_holds_expire_in_portions(wallet):
    for key in ["a", "b", "c"]:
        posting.hold(key=key, account=wallet, amount_fen=10, expires_at=AT)

    assert [posting.expire_due(at=AT, limit=2) for _ in range(3)] == [2, 1, 0]


def test_reversing_a_capture_moves_value_back_and_the_hold_stays_captured(wallet, hold, sink):
    part = take(hold, sink, 100)

    posting.reverse(transfer=part, key="back", at=AT)

    assert standing(wallet) == (1000, 200)
    assert Hold.objects.get().captured_fen == 100
    assert selectors.reconcile() == []
