"""Answers about money that span models."""

from datetime import date

from billing import selectors
from billing.selectors import Spent, Wallet
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS
from tests.market import scenes as markets


def test_a_wallet_that_was_never_topped_up_is_empty(db):
    wallet = selectors.wallet(markets.buyer())

    assert wallet == Wallet(balance_fen=0, held_fen=0, arrears_fen=0)
    assert wallet.available_fen == 0


def test_an_orders_account_says_what_was_set_aside_and_what_was_spent(buyer, offering, grant):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, 2 * CARD_HOUR_MS, CARD_HOUR_MS)
    scenes.rate(reservation)

    account = selectors.order_account(reservation.order)

    assert (account.funding.estimate_fen, account.funding.redemption.grant) == (1_200, grant)
    assert account.spent == Spent(accelerator_ms=3 * CARD_HOUR_MS, amount_fen=600, voucher_fen=300, wallet_fen=300)


def test_an_order_without_usage_has_spent_nothing(buyer, offering):
    account = selectors.order_account(scenes.place(buyer, offering))

    assert account.spent == Spent(accelerator_ms=0, amount_fen=0, voucher_fen=0, wallet_fen=0)


def test_a_month_adds_up_its_own_charges(buyer, offering):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, CARD_HOUR_MS)
    scenes.rate(reservation)

    assert selectors.month_so_far(buyer, date(2026, 10, 31)).amount_fen == 200
    assert selectors.month_so_far(buyer, date(2026, 11, 1)).amount_fen == 0
