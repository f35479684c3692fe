from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.ledger import scenes
from tests.ledger.test_selectors import tamper


def test_books_that_are_whole_are_called_so(db):
    scenes.wallet(fen=100)
    told = StringIO()

    call_command("check_books", stdout=told)

    assert told.getvalue() == "The books are whole.\n"


def test_a_balance_that_was_tampered_with_is_named(db):
    wallet = scenes.wallet(fen=100)
    tamper("UPDATE ledger_balance SET posted_fen = 101")

    with pytest.raises(CommandError, match=f"^balance.posted {wallet.pk}: 101 fen kept, 100 fen by the facts$"):
        call_command("check_books")
