"""The make-believe Stripe keeps Stripe's rules, seen through the official client."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
import stripe as official

from tests.billing.gateways.test_stripe import PAYMENT, top_up


@pytest.fixture
def client(stripe_server):
    http = official.RequestsClient(timeout=5)
    yield official.StripeClient("sk_test_made_up", base_addresses={"api": stripe_server.url}, http_client=http)
    http.close()


@pytest.fixture
def paid(gateway, stripe_server):
    intent = top_up(gateway)
    stripe_server.control("pay", {"intent": intent.id})
    return intent


def intent_params(**change):
    return {"amount": 500, "currency": "cny", "payment_method_types": ["alipay"]} | change


def refunded(server):
    return [refund["amount"] for refund in server.books.refunds.values()]


def test_the_same_key_and_body_get_the_same_answer_marked_as_a_replay(client):
    first, second = (client.v1.payment_intents.create(intent_params(), {"idempotency_key": "k"}) for _ in range(2))

    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_with_another_body_is_an_idempotency_error(client, stripe_server):
    client.v1.payment_intents.create(intent_params(), {"idempotency_key": "k"})

    with pytest.raises(official.IdempotencyError):
        client.v1.payment_intents.create(intent_params(amount=501), {"idempotency_key": "k"})

    assert len(stripe_server.books.intents) == 1


def test_a_decline_is_replayed_too(client):
    params = intent_params(
        confirm=True,
        return_url="https://x.test/",
        payment_method_data={"type": "alipay"},
        metadata={"decline": "insufficient_funds"},
    )
    errors = []
    for _ in range(2):
        with pytest.raises(official.CardError) as error:
            client.v1.payment_intents.create(params, {"idempotency_key": "k"})
        errors.append(error.value)

    assert [error.error.decline_code for error in errors] == ["insufficient_funds", "insufficient_funds"]
    assert errors[0].error.payment_intent.id == errors[1].error.payment_intent.id


def test_a_declined_intent_may_be_tried_again(client):
    intent = client.v1.payment_intents.create(intent_params())

    confirmed = client.v1.payment_intents.confirm(
        intent.id, {"payment_method_data": {"type": "alipay"}, "return_url": "https://x.test/"}
    )

    assert (intent.status, confirmed.status) == ("requires_payment_method", "requires_action")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"currency": "usd"}, "currency"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"payment_method_types": ["alipay", "wechat_pay"]}, "payment_method_types"),
        ({"payment_method_types": ["wechat_pay"]}, "payment_method_options[wechat_pay][client]"),
        ({"confirm": True, "return_url": "https://x.test/"}, "payment_method_data"),
        ({"confirm": True, "payment_method_data": {"type": "alipay"}}, "return_url"),
        ({"amuont": 5}, "amuont"),
    ],
)
def test_what_stripe_would_not_understand_is_refused(client, change, param):
    with pytest.raises(official.InvalidRequestError) as error:
        client.v1.payment_intents.create(intent_params(**change))

    assert error.value.param == param


def test_refunds_never_exceed_what_came_in(client, paid, stripe_server):
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 9_000})

    with pytest.raises(official.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1_001})

    assert error.value.code == "amount_too_large"
    assert refunded(stripe_server) == [9_000]


def test_a_refund_without_an_amount_gives_back_the_rest_once(client, paid, stripe_server):
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 9_000})
    client.v1.refunds.create({"payment_intent": paid.id})

    with pytest.raises(official.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": paid.id})

    assert error.value.code == "charge_already_refunded"
    assert refunded(stripe_server) == [9_000, 1_000]


def test_an_unpaid_intent_cannot_be_refunded(client, gateway, stripe_server):
    intent = top_up(gateway)

    with pytest.raises(official.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id})

    assert refunded(stripe_server) == []


def test_a_paid_intent_can_be_neither_cancelled_nor_paid_again(client, paid, stripe_server):
    with pytest.raises(official.InvalidRequestError) as error:
        client.v1.payment_intents.cancel(paid.id)

    assert error.value.code == "payment_intent_unexpected_state"
    assert control(stripe_server, "pay", {"intent": paid.id}) == 400
    assert client.v1.payment_intents.retrieve(paid.id).status == "succeeded"


def test_a_cancelled_intent_cannot_be_paid(client, gateway, stripe_server):
    intent = top_up(gateway)
    client.v1.payment_intents.cancel(intent.id)

    assert control(stripe_server, "pay", {"intent": intent.id}) == 400


def test_what_stripe_does_not_have_is_not_found(client, stripe_server):
    with pytest.raises(official.InvalidRequestError) as error:
        client.v1.customers.create({})

    assert error.value.http_status == 404
    assert control(stripe_server, "nothing", {}) == 404


def test_events_are_delivered_signed_and_in_order(gateway, stripe_server, mailbox):
    assert control(stripe_server, "webhook", {"url": mailbox.url}) == 200
    intent = top_up(gateway)
    assert control(stripe_server, "pay", {"intent": intent.id}) == 200

    events = [gateway.parse_event(*letter) for letter in mailbox.wait_for(3)]

    assert [event.kind for event in events] == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]
    assert {event.intent.payment_id for event in events} == {PAYMENT}


def test_an_event_is_sent_again_until_the_webhook_takes_it(gateway, stripe_server, mailbox):
    mailbox.statuses = [500]
    stripe_server.control("webhook", {"url": mailbox.url})
    top_up(gateway)

    first, second, _third = mailbox.wait_for(3)

    assert gateway.parse_event(*first).id == gateway.parse_event(*second).id


def test_held_events_come_late_twice_and_shuffled_on_demand(gateway, stripe_server, mailbox):
    stripe_server.control("webhook", {"url": mailbox.url})
    stripe_server.control("hold", {"on": True})
    intent = top_up(gateway)
    stripe_server.control("pay", {"intent": intent.id})
    assert mailbox.letters == []

    answers = stripe_server.control("deliver", {"copies": 2, "seed": 1, "delay_s": 0.01})

    kinds = [gateway.parse_event(*letter).kind for letter in mailbox.letters]
    assert answers == {"statuses": [200] * 6}
    assert sorted(kinds) == sorted(2 * [event["type"] for event in stripe_server.books.events])
    assert kinds != 2 * [event["type"] for event in stripe_server.books.events]
    assert stripe_server.control("deliver", {}) == {"statuses": []}


def test_one_event_can_be_delivered_again(gateway, stripe_server, mailbox):
    top_up(gateway)
    stripe_server.control("webhook", {"url": mailbox.url})
    event = stripe_server.books.events[0]

    assert stripe_server.control("deliver", {"events": [event["id"]]}) == {"statuses": [200]}

    (letter,) = mailbox.letters
    assert gateway.parse_event(*letter).id == event["id"]


def test_a_changing_secret_signs_twice(gateway, stripe_server, mailbox):
    stripe_server.control("webhook", {"url": mailbox.url, "secrets": ["whsec_new", "whsec_made_up"]})
    top_up(gateway)

    body, header = mailbox.wait_for(1)[0]

    assert header.count("v1=") == 2
    assert gateway.parse_event(body, header).kind == "payment_intent.created"


def test_a_webhook_that_is_down_answers_nothing(gateway, stripe_server):
    top_up(gateway)
    stripe_server.control("webhook", {"url": "http://127.0.0.1:9/"})

    assert stripe_server.control("deliver", {"events": [stripe_server.books.events[0]["id"]]}) == {"statuses": [0]}


@pytest.mark.parametrize(("verb", "status"), [("pay", "succeeded"), ("refuse", "failed")])
def test_a_person_pays_or_refuses_on_a_page(gateway, stripe_server, verb, status):
    intent = top_up(gateway, method="wechat_pay")
    with browse(intent.action_url) as page:
        assert "CNY 100.00" in page.read().decode()

    browse(intent.action_url, urlencode({"verb": verb}).encode()).close()

    assert gateway.fetch(intent.id).status == status


def test_after_paying_with_alipay_the_person_is_sent_back(gateway):
    intent = top_up(gateway)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args):
            return None

    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(Stay).open(intent.action_url, b"verb=pay")

    assert answer.value.status == 303
    assert answer.value.headers["Location"] == f"https://suanyi.test/wallet/?payment_intent={intent.id}"
    answer.value.close()


def test_the_page_of_an_unknown_payment_is_not_found(stripe_server):
    with pytest.raises(urllib.error.HTTPError) as answer:
        browse(f"{stripe_server.url}/pay/pi_nobody")

    assert answer.value.status == 404
    answer.value.close()


def browse(url, body=None):
    """Open an address as a browser would."""
    return urllib.request.urlopen(url, body)  # noqa: S310 - the address is ours


def control(server, verb, wish):
    """Return the status of a control request over HTTP."""
    body = json.dumps(wish).encode()
    try:
        with browse(f"{server.url}/_control/{verb}", body) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.status
