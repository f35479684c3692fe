"""Opening accounts."""

import pytest

from ledger.models import Account, Balance
from ledger.services import posting


def test_an_account_with_a_floor_gets_an_empty_balance(db):
    account = posting.open_account(code="budget", floor_fen=-500)

    balance = Balance.objects.get(account=account)
    assert (balance.posted_fen, balance.held_fen, balance.floor_fen) == (0, 0, -500)
    assert balance.available_fen == 500
    assert account.bounded


def test_an_account_without_a_floor_has_no_balance_row(db):
    account = posting.open_account(code="commission", floor_fen=None)

    assert not Balance.objects.exists()
    assert not account.bounded


def test_opening_an_account_again_returns_it(db):
    first = posting.open_account(code="wallet", floor_fen=0)

    assert posting.open_account(code="wallet", floor_fen=0) == first
    assert Account.objects.count() == 1


def test_many_accounts_are_opened_at_once_beside_those_that_exist(db):
    wallet = posting.open_account(code="wallet", floor_fen=0)

    accounts = posting.open_accounts(floors={"bank": None, "wallet": 0, "budget": 0})

    assert sorted(accounts) == ["bank", "budget", "wallet"]
    assert accounts["wallet"] == wallet
    assert accounts["bank"].floor_fen is None
    assert Account.objects.count() == 3
    assert Balance.objects.count() == 2


def test_an_account_is_not_opened_with_another_floor(db):
    posting.open_account(code="wallet", floor_fen=0)

    with pytest.raises(posting.KeyReused):
        posting.open_account(code="wallet", floor_fen=None)

    assert Account.objects.get().floor_fen == 0
