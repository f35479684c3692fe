"""Money that went back to its payer at Stripe leaves the wallet too, once, whoever gave it back and however told."""

import pytest

from billing import selectors
from billing.models import TopUp
from billing.services import stripe_payments
from ledger.services import posting
from tests.billing import scenes
from tests.billing.gateways.conftest import gateway, stripe_server  # noqa: F401 - fixtures
from tests.billing.services.test_stripe_payments import (  # noqa: F401 - fixtures
    FEN,
    apply_all,
    at,
    poor,
    receive,
    started,
)


@pytest.fixture
def tell(gateway, stripe_server, at):
    """Return what sends all events that Stripe holds back, each twice, and works on them."""

    def act():
        for event in [*stripe_server.courier.held, *stripe_server.courier.held]:
            receive(gateway, event, at)
        apply_all(gateway, at)

    return act


@pytest.fixture
def paid(started, stripe_server, tell):
    stripe_server.books.pay(started.stripe_intent)
    tell()
    return started


def give_back(server, top_up, **amount):
    return server.books.refund({"payment_intent": top_up.stripe_intent} | amount)


def test_what_was_given_back_at_stripe_leaves_the_wallet_once(paid, poor, stripe_server, tell):
    give_back(stripe_server, paid, amount="5000")
    tell()
    give_back(stripe_server, paid, amount="5000")
    tell()
    tell()

    assert selectors.wallet(poor) == selectors.Wallet(FEN - 10_000, 0, 0)
    assert scenes.fen("stripe-clearing") == -FEN + 10_000
    assert scenes.broken() == []


def test_what_the_wallet_has_no_longer_is_owed_and_repaid_first(paid, poor, stripe_server, tell):
    account = posting.open_account(code=f"wallet/{poor.pk}", floor_fen=0)
    hold = posting.hold(key="order", account=account, amount_fen=FEN - 1_000)
    give_back(stripe_server, paid)

    tell()

    assert selectors.wallet(poor) == selectors.Wallet(FEN - 1_000, FEN - 1_000, FEN - 1_000)
    posting.settle(hold=hold)
    scenes.top_up(poor, 300)
    assert selectors.wallet(poor) == selectors.Wallet(300, 0, 0)
    assert scenes.fen("stripe-clearing") == 0
    assert scenes.broken() == []


def test_a_refund_that_comes_back_is_in_the_wallet_again_and_may_be_given_back_once_more(
    paid,
    poor,
    stripe_server,
    tell,
):
    refund = give_back(stripe_server, paid)
    tell()
    stripe_server.books.fail_refund(refund["id"])
    tell()
    assert selectors.wallet(poor).balance_fen == FEN

    give_back(stripe_server, paid)
    tell()

    assert selectors.wallet(poor) == selectors.Wallet(0, 0, 0)
    assert scenes.broken() == []


def test_a_refund_that_is_told_before_its_payment_counts_too(
    started,
    poor,
    gateway,
    stripe_server,
    at,
):
    stripe_server.books.pay(started.stripe_intent)
    give_back(stripe_server, started, amount="5000")
    receive(gateway, stripe_server.courier.held[-1], at)

    apply_all(gateway, at)

    assert TopUp.objects.get().status == "succeeded"
    assert selectors.wallet(poor).balance_fen == FEN - 5_000


def test_refunds_of_others_are_left_alone(paid, poor, gateway, stripe_server, at):
    give_back(stripe_server, paid)
    event = stripe_server.courier.held[-1]
    for payment_intent in ("pi_of_others", None):
        event["data"]["object"]["payment_intent"] = payment_intent
        event["id"] = f"evt_{payment_intent}"
        receive(gateway, event, at)

    apply_all(gateway, at)

    assert selectors.wallet(poor).balance_fen == FEN
    assert not stripe_payments.StripeEvent.objects.filter(processed_at=None).exists()
