"""Top-ups through Stripe: what we ask, what we understand, and what we do when it goes wrong."""

import json
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import stripe as official

from billing.gateways import stripe
from billing.gateways.ports import (
    BadSignature,
    GatewayUnavailable,
    IntentStatus,
    MalformedEvent,
    PaymentChanged,
    PaymentDeclined,
    PaymentRefused,
    UnknownIntent,
)
from config.demo.stripe_books import DECLINED_FEN, Refusal
from config.demo.stripe_courier import signature
from tests.billing.gateways.conftest import SECRET

PAYMENT = UUID(int=7)
OTHER = UUID(int=8)


def top_up(gateway, payment_id=PAYMENT, amount_fen=100_00, method="alipay"):
    return gateway.create_top_up(payment_id=payment_id, amount_fen=amount_fen, method=method)


def signed(body, *secrets, at=None):
    return signature(body, secrets or (SECRET,), int(time.time()) if at is None else at)


def event_of(stripe_server, kind):
    return next(event for event in stripe_server.books.events if event["type"] == kind)


def test_the_version_of_the_api_is_the_one_that_the_client_was_made_for():
    assert official.api_version == stripe.API_VERSION


def test_an_alipay_top_up_sends_the_payer_to_a_page(gateway, stripe_server):
    intent = top_up(gateway)

    (known,) = stripe_server.books.intents.values()
    assert (known["amount"], known["currency"], known["payment_method_types"]) == (10_000, "cny", ["alipay"])
    assert known["next_action"]["alipay_handle_redirect"]["return_url"] == "https://suanyi.test/wallet/"
    assert (intent.id, intent.status, intent.payment_id) == (known["id"], IntentStatus.WAITING, PAYMENT)
    assert (intent.amount_fen, intent.received_fen) == (10_000, 0)
    assert intent.action_url == f"{stripe_server.url}/pay/{intent.id}"
    assert (intent.qr_text, intent.failure, intent.client_secret) == ("", "", known["client_secret"])


def test_a_wechat_pay_top_up_shows_the_payer_a_code(gateway):
    intent = top_up(gateway, method="wechat_pay")

    assert intent.qr_text == f"weixin://wxpay/bizpayurl?pr={intent.id}"
    assert intent.action_url.endswith(f"/pay/{intent.id}")


def test_the_payment_id_is_the_idempotency_key(gateway, stripe_server):
    first, second = top_up(gateway), top_up(gateway)

    assert first == second
    assert len(stripe_server.books.intents) == 1
    assert [request["key"] for request in stripe_server.requests] == [str(PAYMENT), str(PAYMENT)]


def test_another_payment_is_another_intent(gateway):
    assert top_up(gateway).id != top_up(gateway, OTHER).id


def test_a_payment_cannot_change_its_terms(gateway, stripe_server):
    top_up(gateway)

    with pytest.raises(PaymentChanged):
        top_up(gateway, amount_fen=200_00)

    assert [intent["amount"] for intent in stripe_server.books.intents.values()] == [10_000]


def test_an_answer_that_got_lost_is_asked_for_again_and_charges_once(gateway, stripe_server):
    stripe_server.control("fault", {"status": 500, "after": True})

    intent = top_up(gateway)

    assert len(stripe_server.requests) == 2
    assert list(stripe_server.books.intents) == [intent.id]


def test_a_gateway_out_of_order_is_unavailable_after_two_retries(gateway, stripe_server):
    stripe_server.control("fault", {"status": 503, "times": 3})

    with pytest.raises(GatewayUnavailable):
        top_up(gateway)

    assert len(stripe_server.requests) == 3
    assert not stripe_server.books.intents


@pytest.mark.parametrize("status", [429, 500])
def test_reading_from_a_gateway_out_of_order_is_unavailable(gateway, stripe_server, status):
    stripe_server.control("fault", {"status": status, "times": 3})

    with pytest.raises(GatewayUnavailable):
        gateway.fetch("pi_any")


def test_a_gateway_that_nobody_runs_is_unavailable():
    gateway = stripe.StripeGateway(
        api_key="sk_test_made_up", webhook_secret=SECRET, return_url="https://x.test/", api_base="http://127.0.0.1:9"
    )

    with pytest.raises(GatewayUnavailable):
        gateway.fetch("pi_any")


def test_a_decline_at_once_is_declined_with_its_reason(gateway, stripe_server):
    with pytest.raises(PaymentDeclined) as refusal:
        top_up(gateway, amount_fen=DECLINED_FEN)

    assert refusal.value.extra == {"reason": "generic_decline"}
    (known,) = stripe_server.books.intents.values()
    assert (known["status"], known["amount_received"]) == ("requires_payment_method", 0)


@pytest.mark.parametrize("amount_fen", [0, -5, 100_000_000])
def test_an_amount_that_stripe_does_not_take_is_refused(gateway, stripe_server, amount_fen):
    with pytest.raises(PaymentRefused):
        top_up(gateway, amount_fen=amount_fen)

    assert not stripe_server.books.intents


def test_a_refused_request_may_be_corrected_under_the_same_payment(gateway):
    with pytest.raises(PaymentRefused):
        top_up(gateway, amount_fen=0)

    assert top_up(gateway, amount_fen=1).amount_fen == 1


def test_a_wrong_key_is_our_fault_and_not_the_payers(stripe_server):
    gateway = stripe.StripeGateway(
        api_key="pk_wrong", webhook_secret=SECRET, return_url="https://x.test/", api_base=stripe_server.url
    )

    with pytest.raises(official.AuthenticationError):
        gateway.fetch("pi_any")
    gateway.close()


def test_a_paid_intent_says_what_was_received(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("pay", {"intent": intent.id})

    paid = gateway.fetch(intent.id)

    assert (paid.status, paid.received_fen, paid.action_url) == (IntentStatus.SUCCEEDED, 10_000, "")


def test_a_payment_that_the_payer_refused_has_failed(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("fail", {"intent": intent.id})

    failed = gateway.fetch(intent.id)

    assert (failed.status, failed.failure) == (IntentStatus.FAILED, "payment_method_customer_decline")


def test_a_cancelled_intent_can_no_longer_be_paid(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("fail", {"intent": intent.id})

    assert gateway.cancel(intent.id).status is IntentStatus.CANCELLED

    with pytest.raises(Refusal):
        stripe_server.control("pay", {"intent": intent.id})
    assert gateway.fetch(intent.id).status is IntentStatus.CANCELLED
    assert gateway.cancel(intent.id).status is IntentStatus.CANCELLED


def test_a_payment_that_overtook_its_cancelling_stays_paid(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("pay", {"intent": intent.id})

    late = gateway.cancel(intent.id)

    assert (late.status, late.received_fen) == (IntentStatus.SUCCEEDED, 10_000)


def test_an_intent_cancelled_at_stripe_is_cancelled(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("cancel", {"intent": intent.id})

    assert gateway.fetch(intent.id).status is IntentStatus.CANCELLED


def test_an_unknown_intent_is_not_found(gateway):
    with pytest.raises(UnknownIntent):
        gateway.fetch("pi_nobody")
    with pytest.raises(UnknownIntent):
        gateway.cancel("pi_nobody")


def test_an_event_with_a_genuine_signature_is_read(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("pay", {"intent": intent.id})
    sent = event_of(stripe_server, "payment_intent.succeeded")
    body = json.dumps(sent).encode()

    event = gateway.parse_event(body, signed(body))

    assert (event.id, event.kind) == (sent["id"], "payment_intent.succeeded")
    assert event.created_at == datetime.fromtimestamp(sent["created"], UTC)
    assert event.payload == sent
    assert (event.intent.id, event.intent.status, event.intent.payment_id) == (
        intent.id,
        IntentStatus.SUCCEEDED,
        PAYMENT,
    )


def test_one_of_several_signatures_is_enough_while_the_secret_changes(gateway, stripe_server):
    top_up(gateway)
    body = json.dumps(stripe_server.books.events[0]).encode()

    event = gateway.parse_event(body, signed(body, "whsec_new", SECRET))

    assert event.id == stripe_server.books.events[0]["id"]


def genuine():
    """Return a small event that would be accepted if it were signed."""
    thing = {"object": "refund", "id": "re_1"}
    event = {"id": "evt_1", "object": "event", "type": "refund.created", "created": 1, "data": {"object": thing}}
    return json.dumps(event).encode()


def test_an_event_about_something_else_has_no_intent(gateway):
    assert gateway.parse_event(genuine(), signed(genuine())).intent is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=1",
        "t=now,v1=00",
        "v1=00",
        "t=1,v1=é",
        signed(genuine(), "whsec_other"),
        signed(genuine() + b" "),
        signed(genuine(), at=int(time.time()) - 301 - 600),
    ],
    ids=range(9),  # the same names in every process
)
def test_a_signature_that_does_not_fit_is_refused(gateway, header):
    with pytest.raises(BadSignature):
        gateway.parse_event(genuine(), header)


def test_a_body_that_is_not_text_is_refused(gateway):
    with pytest.raises(BadSignature):
        gateway.parse_event(b"\xff\xfe", signed(b"\xff\xfe"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"event"',
        b"7",
        b"{}",
        b'{"object": "v2.core.event", "id": "evt_1"}',
        b'{"id": "evt_1", "type": "x", "created": "soon", "data": {"object": {"object": "refund"}}}',
        b'{"id": "evt_1", "type": "x", "created": 1, "data": {"object": {"object": "payment_intent"}}}',
        b'{"id": "evt_1", "type": "x", "created": 1, "data": []}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(gateway, body):
    with pytest.raises(MalformedEvent):
        gateway.parse_event(body, signed(body))


def test_an_intent_that_is_not_ours_has_no_payment(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.books.intents[intent.id]["metadata"] = {"payment_id": "somebody else's"}

    assert gateway.fetch(intent.id).payment_id is None


def test_lost_events_are_found_again_newest_first(gateway, stripe_server):
    start = datetime.now(UTC) - timedelta(minutes=1)
    intents = [top_up(gateway, UUID(int=number)) for number in range(120)]
    for intent in intents:
        stripe_server.control("pay", {"intent": intent.id})

    found = list(gateway.events_since(start))

    assert {event.kind for event in found} == {"payment_intent.succeeded"}
    assert [event.intent.id for event in found] == [intent.id for intent in reversed(intents)]
    assert list(gateway.events_since(datetime.now(UTC) + timedelta(minutes=1))) == []


def test_the_client_writes_no_identifier_into_a_home_directory():
    assert official.enable_telemetry is False
