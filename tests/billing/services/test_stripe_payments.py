"""Top-ups through Stripe's own client, against a server that keeps Stripe's rules."""

import json
import random
import time
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry
from accounts.services.audit import Actor
from billing import selectors
from billing.gateways.ports import BadSignature, GatewayUnavailable, MalformedEvent, PaymentDeclined
from billing.models import StripeEvent, TopUp, TopUpMethod, TopUpStatus
from billing.services import stripe_payments, top_ups
from config.demo.stripe_books import DECLINED_FEN
from config.demo.stripe_courier import signature
from core import clock
from ledger.models import Transfer
from tests.billing import scenes
from tests.billing.gateways.conftest import SECRET, gateway, stripe_server  # noqa: F401 - fixtures

FEN = 20_000


@pytest.fixture
def poor(db):
    return scenes.funded_buyer(0)


@pytest.fixture
def at():
    return clock.now()


@pytest.fixture
def started(poor, gateway, stripe_server, at):
    stripe_server.courier.hold = True
    return start(poor, gateway, at)


def start(who, gateway, at, *, method=TopUpMethod.ALIPAY, fen=FEN):
    return stripe_payments.start(
        gateway=gateway, organization=who, method=method, amount_fen=fen, actor=Actor(organization=who), at=at
    )


def signed(event) -> tuple[bytes, str]:
    body = json.dumps(event).encode()
    return body, signature(body, [SECRET], int(time.time()))


def receive(gateway, event, at) -> bool:
    body, header = signed(event)
    return stripe_payments.receive_event(gateway=gateway, body=body, signature=header, at=at)


def apply_all(gateway, at):
    for event in StripeEvent.objects.filter(processed_at=None).order_by("?"):
        stripe_payments.apply_event(gateway=gateway, event_id=event.pk, at=at)


def state(who):
    top_up = TopUp.objects.get()
    return top_up.status, selectors.wallet(who).balance_fen, Transfer.objects.count()


@pytest.mark.parametrize("method", [TopUpMethod.ALIPAY, TopUpMethod.WECHAT_PAY])
def test_a_top_up_asks_stripe_for_a_payment(poor, gateway, stripe_server, at, method):
    top_up = start(poor, gateway, at, method=method)

    assert top_up.status == TopUpStatus.PENDING
    intent = stripe_server.books.intent(top_up.stripe_intent)
    assert (intent["amount"], intent["currency"], intent["payment_method_types"]) == (FEN, "cny", [method])
    assert intent["metadata"] == {"payment_id": str(top_up.pk)}
    assert state(poor) == ("pending", 0, 0)


def test_money_comes_in_with_the_event_of_its_payment(started, poor, gateway, stripe_server, at):
    stripe_server.books.pay(started.stripe_intent)
    for event in stripe_server.courier.held:
        receive(gateway, event, at)

    apply_all(gateway, at)

    assert state(poor) == ("succeeded", FEN, 1)
    assert TopUp.objects.get().finished_at == at
    assert scenes.fen("stripe-clearing") == -FEN
    assert Transfer.objects.get().key == f"stripe/{started.stripe_intent}/succeeded"
    assert not StripeEvent.objects.filter(processed_at=None).exists()
    assert scenes.broken() == []


def test_every_order_of_doubled_events_ends_the_same(started, poor, gateway, stripe_server, at):
    stripe_server.books.fail(started.stripe_intent, "payment_method_customer_decline")
    stripe_server.books.confirm(
        started.stripe_intent, {"payment_method_data": {"type": "alipay"}, "return_url": "https://suanyi.test/"}
    )
    stripe_server.books.pay(started.stripe_intent)
    events = stripe_server.courier.held
    assert len(events) >= 4
    orders = list(permutations(events))
    random.Random(7).shuffle(orders)

    for order in orders[:24]:
        with transaction.atomic():
            for event in [*order, *reversed(order)]:
                receive(gateway, event, at)
                stripe_payments.apply_event(gateway=gateway, event_id=event["id"], at=at)
            assert state(poor) == ("succeeded", FEN, 1)
            assert StripeEvent.objects.count() == len(events)
            transaction.set_rollback(True)


def test_an_event_that_comes_again_is_kept_once(started, poor, gateway, stripe_server, at):
    stripe_server.books.pay(started.stripe_intent)
    event = stripe_server.courier.held[-1]

    assert [receive(gateway, event, at) for _ in range(3)] == [True, False, False]
    apply_all(gateway, at)
    stripe_payments.apply_event(gateway=gateway, event_id=event["id"], at=at + timedelta(hours=1))

    assert StripeEvent.objects.get().processed_at == at
    assert state(poor) == ("succeeded", FEN, 1)


def asked_for(who, at, fen=FEN) -> TopUp:
    """Return a top-up for which Stripe has not been called yet."""
    return top_ups.create(
        organization=who, method=TopUpMethod.ALIPAY, amount_fen=fen, actor=Actor(organization=who), at=at
    )


def test_an_event_before_we_know_the_intent_finds_its_top_up(poor, gateway, stripe_server, at):
    stripe_server.courier.hold = True
    top_up = asked_for(poor, at)
    intent = gateway.create_top_up(payment_id=top_up.pk, amount_fen=FEN, method="alipay")
    stripe_server.books.pay(intent.id)
    receive(gateway, stripe_server.courier.held[-1], at)

    apply_all(gateway, at)

    assert state(poor) == ("succeeded", FEN, 1)
    assert TopUp.objects.get().stripe_intent == intent.id


def test_a_payment_that_is_made_while_its_intent_is_noted_is_no_conflict(poor, gateway, stripe_server, at, monkeypatch):
    stripe_server.courier.hold = True
    refresh = TopUp.refresh_from_db

    def pay_once_it_was_looked_at(top_up, **names):
        refresh(top_up, **names)
        monkeypatch.setattr(TopUp, "refresh_from_db", refresh)
        stripe_server.books.pay(stripe_server.courier.held[0]["data"]["object"]["id"])
        receive(gateway, stripe_server.courier.held[-1], at)
        apply_all(gateway, at)

    monkeypatch.setattr(TopUp, "refresh_from_db", pay_once_it_was_looked_at)
    start(poor, gateway, at)

    assert state(poor) == ("succeeded", FEN, 1)


def test_an_old_event_of_a_waiting_payment_changes_nothing(started, poor, gateway, stripe_server, at):
    receive(gateway, stripe_server.courier.held[0], at)

    apply_all(gateway, at)

    assert state(poor) == ("pending", 0, 0)


def test_a_failed_payment_is_cancelled_before_it_counts_as_over(started, poor, gateway, stripe_server, at):
    stripe_server.books.fail(started.stripe_intent, "payment_method_customer_decline")
    receive(gateway, stripe_server.courier.held[-1], at)

    apply_all(gateway, at)

    assert state(poor) == ("cancelled", 0, 0)
    assert stripe_server.books.intent(started.stripe_intent)["status"] == "canceled"


def test_a_cancelled_payment_brings_nothing(started, poor, gateway, stripe_server, at):
    stripe_server.books.cancel(started.stripe_intent)
    receive(gateway, stripe_server.courier.held[-1], at)

    apply_all(gateway, at)

    assert state(poor) == ("cancelled", 0, 0)


def test_another_amount_than_asked_for_brings_nothing(started, poor, gateway, stripe_server, at, caplog):
    stripe_server.books.pay(started.stripe_intent)
    stripe_server.books.intents[started.stripe_intent]["amount_received"] = FEN - 1
    receive(gateway, stripe_server.courier.held[-1], at)

    apply_all(gateway, at)

    assert state(poor) == ("pending", 0, 0)
    assert "not the one we asked for" in caplog.text


def test_anothers_payment_brings_nothing(started, poor, gateway, stripe_server, at, caplog):
    other = start(scenes.funded_buyer(0), gateway, at)
    stripe_server.books.pay(other.stripe_intent)
    event = stripe_server.courier.held[-1]
    event["data"]["object"]["metadata"]["payment_id"] = str(started.pk)
    receive(gateway, event, at)

    apply_all(gateway, at)

    assert set(TopUp.objects.values_list("status", flat=True)) == {"pending"}
    assert "not the one we asked for" in caplog.text


def test_an_event_of_a_payment_that_stripe_does_not_know_is_told_of_once(
    started, poor, gateway, stripe_server, at, caplog
):
    stripe_server.books.pay(started.stripe_intent)
    event = stripe_server.courier.held[-1]
    event["data"]["object"]["id"] = "pi_gone"
    receive(gateway, event, at)

    apply_all(gateway, at)

    assert StripeEvent.objects.get().processed_at == at
    assert state(poor) == ("pending", 0, 0)
    assert "not the one we asked for" in caplog.text


def test_events_of_others_are_kept_and_left_alone(started, poor, gateway, stripe_server, at):
    # Stripe copies the metadata of a payment intent to its charges, which it can be told to report as well.
    for number, metadata in enumerate([{}, {"payment_id": str(started.pk)}]):
        foreign = {
            "id": f"evt_{number}",
            "object": "event",
            "type": "charge.updated",
            "created": int(time.time()),
            "data": {"object": {"id": "ch_1", "object": "charge", "metadata": metadata}},
        }
        receive(gateway, foreign, at)
    asked = len(stripe_server.requests)

    apply_all(gateway, at)

    assert set(StripeEvent.objects.values_list("processed_at", flat=True)) == {at}
    assert (state(poor), len(stripe_server.requests)) == (("pending", 0, 0), asked)


def test_an_event_that_stripe_did_not_sign_is_not_kept(started, gateway, stripe_server, at):
    body, header = signed(stripe_server.courier.held[0])
    stale = signature(body, [SECRET], int(time.time()) - 301)

    for wrong_body, wrong_header in [(body + b" ", header), (body, stale), (body, ""), (body, "t=1,v1=x")]:
        with pytest.raises(BadSignature):
            stripe_payments.receive_event(gateway=gateway, body=wrong_body, signature=wrong_header, at=at)

    assert not StripeEvent.objects.exists()


def test_a_signed_message_that_is_no_event_is_not_kept(db, gateway, at):
    with pytest.raises(MalformedEvent):
        receive(gateway, {"object": "event", "id": "evt_1"}, at)

    assert not StripeEvent.objects.exists()


def test_raw_sql_cannot_change_an_event(started, gateway, stripe_server, at):
    receive(gateway, stripe_server.courier.held[0], at)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE billing_stripeevent SET kind = 'other'")

    assert refusal.value.__cause__.diag.constraint_name == "stripe_event_as_received"


def test_a_payment_that_is_declined_at_once_is_over(poor, gateway, at):
    with pytest.raises(PaymentDeclined):
        start(poor, gateway, at, fen=DECLINED_FEN)

    assert state(poor) == ("failed", 0, 0)
    assert TopUp.objects.get().finished_at == at
    assert AuditEntry.objects.get(verb="top-up.failed").object_id == str(TopUp.objects.get().pk)


def test_a_call_that_got_lost_is_made_again_under_the_same_key(poor, gateway, stripe_server, at):
    stripe_server.faults.append({"status": 500, "times": 9})
    with pytest.raises(GatewayUnavailable):
        start(poor, gateway, at)
    stripe_server.faults.clear()
    assert state(poor) == ("created", 0, 0)

    (lost,) = stripe_payments.stale(at=at + timedelta(seconds=31), limit=10)
    stripe_payments.heal(gateway=gateway, top_up=lost, at=at + timedelta(seconds=31))

    assert TopUp.objects.get().status == TopUpStatus.PENDING
    assert len(stripe_server.books.intents) == 1
    assert {asked["key"] for asked in stripe_server.requests if asked["method"] == "POST"} == {str(lost.pk)}


def test_a_payment_whose_event_got_lost_is_asked_about(started, poor, gateway, stripe_server, at):
    stripe_server.books.pay(started.stripe_intent)
    assert stripe_payments.stale(at=at + timedelta(minutes=9), limit=10) == []

    (silent,) = stripe_payments.stale(at=at + timedelta(minutes=11), limit=10)
    stripe_payments.heal(gateway=gateway, top_up=silent, at=at + timedelta(minutes=11))

    assert state(poor) == ("succeeded", FEN, 1)
    assert stripe_payments.stale(at=at + timedelta(days=1), limit=10) == []


def test_a_payment_that_was_asked_about_is_left_in_peace_for_a_while(started, gateway, at):
    later = at + timedelta(minutes=11)

    stripe_payments.heal(gateway=gateway, top_up=started, at=later)

    assert stripe_payments.stale(at=later + timedelta(minutes=9), limit=10) == []
    assert stripe_payments.stale(at=later + timedelta(minutes=11), limit=10) == [started]


def test_a_payment_that_nobody_makes_for_a_day_is_cancelled(started, poor, gateway, stripe_server, at):
    stripe_payments.heal(gateway=gateway, top_up=started, at=at + timedelta(days=1, minutes=1))

    assert state(poor) == ("cancelled", 0, 0)
    assert stripe_server.books.intent(started.stripe_intent)["status"] == "canceled"


def test_a_finished_top_up_is_not_asked_about(started, poor, gateway, stripe_server, at):
    stripe_server.books.pay(started.stripe_intent)
    stripe_payments.heal(gateway=gateway, top_up=started, at=at)
    asked = len(stripe_server.requests)

    stripe_payments.heal(gateway=gateway, top_up=started, at=at)

    assert len(stripe_server.requests) == asked
    assert state(poor) == ("succeeded", FEN, 1)


def test_a_refusal_on_the_second_try_is_an_answer(poor, gateway, at):
    top_up = asked_for(poor, at, fen=DECLINED_FEN)

    stripe_payments.heal(gateway=gateway, top_up=top_up, at=at)

    assert state(poor) == ("failed", 0, 0)


def test_bank_transfers_are_none_of_stripes_business(poor, gateway, at):
    top_ups.create(
        organization=poor, method=TopUpMethod.BANK_TRANSFER, amount_fen=FEN, actor=Actor(organization=poor), at=at
    )

    assert stripe_payments.stale(at=at + timedelta(days=9), limit=10) == []
