"""Reading balances and statements, and noticing what does not add up."""

import pytest
from django.db import connection

from ledger import selectors
from ledger.models import Hold, Transfer
from ledger.selectors import Difference, Line
from ledger.services import posting
from tests.ledger.scenes import AT, move
from tests.owning import as_owner


def test_a_balance_is_the_sum_of_postings(wallet, bank):
    assert selectors.balance_fen(account=wallet) == 1000
    assert selectors.balance_fen(account=bank) == -1000


def test_an_account_that_never_moved_has_nothing(sink):
    assert selectors.balance_fen(account=sink) == 0
    assert selectors.statement(account=sink) == []


def test_a_statement_lists_the_last_movements_with_the_balance_after_each(wallet, sink):
    fees = [posting.post(key=f"fee {fen}", kind="fee", legs=move(wallet, sink, fen), at=AT) for fen in [10, 20]]

    assert selectors.statement(account=wallet, last=2) == [
        Line(fees[1].pk, "fee 20", "fee", AT, -20, 970),
        Line(fees[0].pk, "fee 10", "fee", AT, -10, 990),
    ]
    assert [line.balance_fen for line in selectors.statement(account=wallet)] == [970, 990, 1000]


TAMPERINGS = [
    ("UPDATE ledger_balance SET posted_fen = 1001", "balance.posted", 1001, 900),
    ("UPDATE ledger_balance SET held_fen = 7", "balance.held", 7, 200),
    ("UPDATE ledger_balance SET floor_fen = -1", "balance.floor", -1, 0),
    ("DELETE FROM ledger_balance", "balance.posted", None, 900),
    ("UPDATE ledger_hold SET captured_fen = 101, amount_fen = 301", "hold.captured", 101, 100),
    ("UPDATE ledger_transfer SET amount_fen = 99 WHERE key = 'part'", "transfer.amount", 99, 100),
    ("UPDATE ledger_posting SET amount_fen = 101 WHERE amount_fen = 100", "transfer.net", 0, 1),
    ("UPDATE ledger_posting SET amount_fen = 101 WHERE amount_fen = 100", "transfer.legs", 100, 101),
    ("DELETE FROM ledger_posting WHERE amount_fen = 100", "transfer.legs", 100, 0),
]


@pytest.mark.parametrize(("tampering", "what", "kept", "folded"), TAMPERINGS)
def test_reconciling_finds_what_was_tampered_with_behind_the_triggers(wallet, sink, tampering, what, kept, folded):
    hold = posting.hold(key="order", account=wallet, amount_fen=300)
    part = posting.capture(hold=hold, key="part", kind="fee", legs=move(wallet, sink, 100), at=AT)
    assert selectors.reconcile() == []
    row_id = {"balance": wallet.pk, "hold": hold.pk, "transfer": part.pk}[what.partition(".")[0]]

    tamper(tampering)

    assert Difference(what, row_id, kept, folded) in selectors.reconcile()


def tamper(statement: str) -> None:
    """Do what only an owner can who first takes the triggers away."""
    connection.check_constraints()
    with as_owner(), connection.cursor() as cursor:
        for table in ["balance", "hold", "transfer", "posting"]:
            cursor.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER USER")
        cursor.execute(statement)


def test_rows_name_themselves_by_their_keys(wallet):
    assert str(wallet) == "wallet"
    assert str(Transfer(key="fee")) == "fee"
    assert str(Hold(key="order")) == "order"
