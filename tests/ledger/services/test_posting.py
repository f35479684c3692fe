"""Posting transfers, alone and in bulk."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from ledger import selectors
from ledger.models import Account, Posting, Transfer
from ledger.services import posting
from ledger.services.posting import Entry, Leg
from tests.ledger import scenes
from tests.ledger.scenes import AT, everything, move, standing


def test_a_transfer_moves_value_between_accounts(wallet, sink):
    transfer = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)

    assert standing(wallet) == (700, 0)
    assert selectors.balance_fen(account=sink) == 300
    assert Transfer.objects.get(key="fee") == transfer
    assert (transfer.kind, transfer.amount_fen, transfer.effective_at) == ("fee", 300, AT)
    assert transfer.moves == {wallet.pk: -300, sink.pk: 300}
    assert dict(Posting.objects.filter(transfer=transfer).values_list("account_id", "amount_fen")) == transfer.moves
    assert selectors.reconcile() == []


def test_the_returned_transfer_is_the_row_that_was_written(wallet, sink):
    transfer = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)

    row = Transfer.objects.values().get(key="fee")
    assert {field: getattr(transfer, field) for field in row} == row


def test_a_transfer_may_have_many_legs_and_its_amount_is_what_is_gained(wallet, sink, bank):
    legs = [Leg(wallet, -300), Leg(bank, -50), Leg(sink, 340), Leg(scenes.source("vat"), 10)]

    assert posting.post(key="split", kind="fee", legs=legs, at=AT).amount_fen == 350


def test_legs_of_one_account_are_one_posting(wallet, sink):
    legs = [Leg(wallet, -300), Leg(sink, 100), Leg(wallet, 50), Leg(sink, 150)]

    transfer = posting.post(key="fee", kind="fee", legs=legs, at=AT)

    assert transfer.moves == {wallet.pk: -250, sink.pk: 250}
    assert transfer.amount_fen == 250


@pytest.mark.parametrize("amounts", [(-300, 299), (-300, -300), (0, 0)])
def test_legs_that_do_not_balance_or_move_nothing_are_refused(wallet, sink, amounts):
    before = everything()

    with pytest.raises(posting.NotBalanced):
        posting.post(key="odd", kind="fee", legs=[Leg(wallet, amounts[0]), Leg(sink, amounts[1])], at=AT)

    assert everything() == before


def test_a_transfer_without_legs_is_refused(wallet):
    before = everything()

    with pytest.raises(posting.NotBalanced):
        posting.post(key="odd", kind="fee", legs=[], at=AT)

    assert everything() == before


def test_an_account_does_not_fall_below_its_floor(wallet, sink):
    before = everything()

    with pytest.raises(posting.Overdrawn):
        posting.post(key="fee", kind="fee", legs=move(wallet, sink, 1001), at=AT)

    assert everything() == before


def test_an_account_may_be_emptied_to_its_floor(sink):
    credit = posting.open_account(code="credit", floor_fen=-200)

    posting.post(key="fee", kind="fee", legs=move(credit, sink, 200), at=AT)

    assert standing(credit) == (-200, 0)
    assert selectors.available_fen(account=credit) == 0


def test_a_leg_of_an_unknown_account_is_a_bug_and_not_an_answer(wallet):
    before = everything()

    with pytest.raises(IntegrityError, match="does not exist"), transaction.atomic():
        posting.post(key="fee", kind="fee", legs=move(wallet, Account(id=0), 1), at=AT)

    assert everything() == before


def test_the_same_key_with_the_same_content_returns_the_first_transfer(wallet, sink):
    first = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)
    before = everything()

    again = posting.post(key="fee", kind="fee", legs=reversed(move(wallet, sink, 300)), at=AT + timedelta(hours=1))

    assert again == first
    assert again.effective_at == AT
    assert everything() == before


def test_the_same_key_with_another_content_is_refused(wallet, sink):
    posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)
    before = everything()

    for kind, fen in [("fee", 301), ("other", 300)]:
        with pytest.raises(posting.KeyReused):
            posting.post(key="fee", kind=kind, legs=move(wallet, sink, fen), at=AT)

    assert everything() == before


def test_the_caller_may_go_on_after_a_refusal(wallet, sink):
    with transaction.atomic():
        with pytest.raises(posting.Overdrawn):
            posting.post(key="much", kind="fee", legs=move(wallet, sink, 1001), at=AT)
        posting.post(key="less", kind="fee", legs=move(wallet, sink, 1000), at=AT)

    assert standing(wallet) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outside_a_transaction_leaves_nothing_behind():
    wallet, sink = scenes.wallet(fen=10), scenes.source("sink")
    before = everything()

    with pytest.raises(posting.Overdrawn):
        posting.post(key="much", kind="fee", legs=move(wallet, sink, 11), at=AT)

    assert everything() == before


def test_many_transfers_are_posted_at_once(wallet, sink):
    keys = ["c", "a", "b"]

    ids = posting.post_many(entries=[Entry(key, "fee", move(wallet, sink, 100), AT) for key in keys])

    assert ids == dict(Transfer.objects.filter(kind="fee").values_list("key", "pk"))
    assert sorted(ids) == ["a", "b", "c"]
    assert standing(wallet) == (700, 0)
    assert Posting.objects.filter(transfer__in=ids.values()).count() == 6
    assert selectors.reconcile() == []


def test_keys_and_kinds_are_written_as_they_are(wallet, sink):
    odd = ['a"b', "a\\b", "a,b", "{a}", "NULL", " 算力 "]

    ids = posting.post_many(entries=(Entry(key, key, move(wallet, sink, 1), AT) for key in odd))

    assert ids == dict(Transfer.objects.filter(key__in=odd, kind__in=odd).values_list("key", "pk"))
    assert len(ids) == 6


def test_posting_nothing_does_nothing(wallet):
    assert posting.post_many(entries=[]) == {}


def test_a_bulk_with_some_keys_written_before_writes_the_others(wallet, sink):
    first = posting.post(key="a", kind="fee", legs=move(wallet, sink, 100), at=AT)

    ids = posting.post_many(entries=[Entry(key, "fee", move(wallet, sink, 100), AT) for key in ["b", "a", "b"]])

    assert ids == {"a": first.pk, "b": Transfer.objects.get(key="b").pk}
    assert standing(wallet) == (800, 0)


@pytest.mark.parametrize(
    ("fen", "key", "refusal"), [(901, "c", posting.Overdrawn), (7, "a", posting.KeyReused), (7, "b", posting.KeyReused)]
)
def test_a_bulk_is_posted_whole_or_not_at_all(wallet, sink, fen, key, refusal):
    posting.post(key="a", kind="fee", legs=move(wallet, sink, 1), at=AT)
    before = everything()

    with pytest.raises(refusal), transaction.atomic():
        posting.post_many(
            entries=[Entry("b", "fee", move(wallet, sink, 100), AT), Entry(key, "fee", move(wallet, sink, fen), AT)]
        )

    assert everything() == before


def test_a_bulk_may_pass_value_on_through_an_account(wallet, sink):
    other = scenes.wallet("other")

    posting.post_many(
        entries=[Entry("on", "fee", move(other, sink, 50), AT), Entry("in", "fee", move(wallet, other, 50), AT)]
    )

    assert standing(other) == (0, 0)
    assert selectors.balance_fen(account=sink) == 50


def test_a_transfer_is_reversed_once(wallet, sink):
    fee = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)

    reversal = posting.reverse(transfer=fee, key="back", at=AT)

    assert standing(wallet) == (1000, 0)
    assert reversal.moves == {wallet.pk: 300, sink.pk: -300}
    assert (reversal.reverses, reversal.kind) == (fee, "reversal")
    assert posting.reverse(transfer=fee, key="back", at=AT) == reversal
    before = everything()
    with pytest.raises(posting.AlreadyReversed):
        posting.reverse(transfer=fee, key="again", at=AT)
    assert everything() == before


def test_a_reversal_is_not_reversed(wallet, sink):
    fee = posting.post(key="fee", kind="fee", legs=move(wallet, sink, 300), at=AT)
    reversal = posting.reverse(transfer=fee, key="back", at=AT)
    before = everything()

    with pytest.raises(posting.AlreadyReversed):
        posting.reverse(transfer=reversal, key="forth", at=AT)

    assert everything() == before


def test_what_was_spent_cannot_be_taken_back(wallet, sink):
    top_up = Transfer.objects.get(key="top-up/wallet")
    posting.post(key="fee", kind="fee", legs=move(wallet, sink, 1), at=AT)
    before = everything()

    with pytest.raises(posting.Overdrawn):
        posting.reverse(transfer=top_up, key="back", at=AT)

    assert everything() == before
