"""Reading what was charged, invoiced and settled; topping up."""

import json
import time
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import OrganizationKind
from billing.models import StripeEvent, TopUp
from billing.services import fundings, invoicing, settlement, stripe_payments
from config.demo.stripe_courier import signature
from tests.billing import scenes
from tests.billing.api.test_orders import assert_problem, post
from tests.billing.gateways.conftest import SECRET, gateway, stripe_server  # noqa: F401 - fixtures
from tests.billing.scenes import CARD_HOUR_MS
from tests.billing.services.test_claims import JANUARY, refused
from tests.billing.services.test_invoicing import CLOSED, NOVEMBER, OCTOBER
from tests.market import scenes as markets
from vouchers.services.claims import answers

NOBODY = UUID(int=0)
KEY_QUERIES = 6


@pytest.fixture
def story(buyer, provider, offering, grant):
    """One hour, charged, invoiced and settled."""
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, 2 * CARD_HOUR_MS)
    (charge,) = scenes.rate(reservation)
    invoice = invoicing.issue(issuer=provider, buyer=buyer, month_on=OCTOBER, at=CLOSED)
    return charge, invoice, settlement.settle(provider=provider, month_on=OCTOBER, at=CLOSED)


def test_a_wallet_shows_what_is_there_and_what_is_set_aside(api, buyer, offering):
    scenes.place(buyer, offering)

    assert api.get("/api/v1/wallet").json() == {
        "balance_fen": 100_000,
        "held_fen": 1_200,
        "available_fen": 98_800,
        "arrears_fen": 0,
    }


def test_a_charge_says_what_was_used_and_who_paid(api, story):
    charge, _invoice, _settlement = story

    assert api.get(f"/api/v1/charges/{charge.pk}").json() == {
        "id": charge.pk,
        "kind": "usage",
        "order": str(charge.reservation.order_id),
        "reservation": str(charge.reservation_id),
        "line": None,
        "hour": "2026-10-01T11:00:00+08:00",
        "version": 1,
        "accelerator_ms": 2 * CARD_HOUR_MS,
        "price_micro": 2_000_000,
        "amount_fen": 400,
        "voucher_fen": 200,
        "wallet_fen": 200,
        "charged_at": "2026-10-01T11:00:00+08:00",
    }


def test_an_invoice_says_its_number_and_its_sums(api, story, provider, buyer):
    _charge, invoice, _settlement = story

    answer = api.get(f"/api/v1/invoices/{invoice.pk}").json()

    assert answer["number"] == f"{provider.credit_code[-6:]}-2026-000001"
    assert (answer["issuer"], answer["buyer"], answer["month_on"]) == (str(provider.pk), str(buyer.pk), "2026-10-01")
    assert (answer["amount_fen"], answer["voucher_fen"], answer["wallet_fen"]) == (400, 200, 200)


def test_a_settlement_says_what_the_authorities_owe(client_of, story, provider, programme):
    _charge, _invoice, made = story

    answer = client_of(provider).get(f"/api/v1/settlements/{made.pk}").json()

    assert (answer["gross_fen"], answer["commission_fen"], answer["vat_fen"], answer["net_fen"]) == (400, 9, 1, 390)
    assert answer["commission_bases"] == [
        {"programme": None, "rate_bp": 500, "amount_fen": 200},
        {"programme": programme.code, "rate_bp": 0, "amount_fen": 200},
    ]
    assert answer["authority_payables"] == [{"programme": programme.code, "amount_fen": 200}]
    assert answer["denials"] == []


def test_a_settlement_names_each_denial_since_the_one_before_and_what_is_still_borne_of_it(
    client_of, story, provider, buyer, programme
):
    charge, _invoice, first = story
    fundings.close(funding=scenes.funding(charge.reservation.order), at=scenes.serve(charge.reservation))
    line = refused(programme)
    assert answers.reverse_due(at=line.resubmit_by) == 1
    scenes.meter(charge.reservation, CARD_HOUR_MS)
    scenes.rate(charge.reservation)
    later = JANUARY + timedelta(days=60)
    invoicing.issue(issuer=provider, buyer=buyer, month_on=NOVEMBER, at=later)
    settlement.settle(provider=provider, month_on=NOVEMBER, at=later)

    with CaptureQueriesContext(connection) as queries:
        second, *others = client_of(provider).get("/api/v1/settlements").json()["data"]

    assert [(one["id"], one["denials"]) for one in others] == [(str(first.pk), [])]
    (denial,) = second["denials"]
    assert len(queries) <= 15 + KEY_QUERIES
    assert datetime.fromisoformat(denial.pop("denied_at")) == line.resubmit_by
    assert denial == {
        "claim": line.claim.display_number,
        "line": 1,
        "programme": programme.code,
        "buyer": str(buyer.pk),
        "reason": "NO_USAGE_PROOF",
        "note": "seen",
        "amount_fen": 200,
        "undone_fen": 100,
        "borne_fen": 100,
    }


def test_facts_are_shown_to_their_parties_alone(api, client_of, story, buyer, provider):
    charge, invoice, made = story
    stranger, seller = client_of(scenes.funded_buyer(0)), client_of(provider)

    for name, fact, readers in [
        ("charges", charge, [api, seller]),
        ("invoices", invoice, [api, seller]),
        ("settlements", made, [seller]),
    ]:
        for reader in readers:
            assert reader.get(f"/api/v1/{name}/{fact.pk}").status_code == 200
            assert len(reader.get(f"/api/v1/{name}").json()["data"]) == 1
        assert_problem(stranger.get(f"/api/v1/{name}/{fact.pk}"), 404, "not-found")
        assert stranger.get(f"/api/v1/{name}").json()["data"] == []
    assert_problem(api.get(f"/api/v1/settlements/{made.pk}"), 404, "not-found")


@pytest.mark.parametrize(
    "address",
    ["charges/0", "charges/x", f"charges/{10**30}", "invoices/x", f"settlements/{NOBODY}", f"top-ups/{NOBODY}"],
)
def test_what_is_not_there_is_not_found(api, address):
    answer = api.get(f"/api/v1/{address}")

    assert_problem(answer, 404, "not-found")


def test_facts_are_only_read(api, story):
    charge, _invoice, _settlement = story

    for verb in (api.put, api.patch, api.delete):
        assert_problem(verb(f"/api/v1/charges/{charge.pk}"), 403, "permission-denied")


def test_a_transfer_is_announced_and_gets_its_reference(api):
    answer = post(api, "/api/v1/top-ups", {"method": "bank_transfer", "amount_fen": 5_000}, key="k")
    again = post(api, "/api/v1/top-ups", {"method": "bank_transfer", "amount_fen": 5_000}, key="k")

    top_up = TopUp.objects.get(amount_fen=5_000)
    assert answer.status_code == 201
    assert again.content == answer.content
    assert answer.json()["bank_reference"] == top_up.bank_reference
    assert (answer.json()["status"], answer.json()["stripe_intent"]) == ("created", None)
    assert api.get(f"/api/v1/top-ups/{top_up.pk}").json() == answer.json()


BAD = {
    "nothing": ({"amount_fen": 0}, 400, "invalid"),
    "less than nothing": ({"amount_fen": -1}, 400, "invalid"),
    "too much": ({"amount_fen": 50_000_01}, 422, "bad-amount"),
    "beyond every number": ({"amount_fen": 10**40}, 422, "bad-amount"),
    "half a fen": ({"amount_fen": 1.5}, 400, "invalid"),
    "an unknown method": ({"method": "cash"}, 400, "invalid"),
    "an unknown field": ({"status": "succeeded"}, 400, "invalid"),
}


@pytest.mark.parametrize(("change", "status", "code"), BAD.values(), ids=BAD)
def test_a_bad_top_up_is_refused_and_changes_nothing(api, change, status, code):
    before = scenes.rows()

    answer = post(api, "/api/v1/top-ups", {"method": "alipay", "amount_fen": 100} | change)

    assert_problem(answer, status, code)
    assert scenes.rows() | {"accounts_apikey": before["accounts_apikey"]} == before


def test_a_provider_has_no_wallet_to_top_up(client_of, provider):
    answer = post(client_of(provider), "/api/v1/top-ups", {"method": "alipay", "amount_fen": 100})

    assert_problem(answer, 403, "no-wallet")


def test_topping_up_needs_its_scope(client_of, buyer):
    answer = post(client_of(buyer, ["read", "orders"]), "/api/v1/top-ups", {"method": "alipay", "amount_fen": 100})

    assert_problem(answer, 403, "permission-denied")


def test_a_payment_by_phone_is_opened_after_the_commit(api, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        answer = post(api, "/api/v1/top-ups", {"method": "wechat_pay", "amount_fen": 100})

    (nudge,) = callbacks
    assert nudge.args == ("billing.heal_top_up",)
    assert nudge.keywords == {"kwargs": {"top_up_id": answer.json()["id"]}}


@pytest.fixture
def at_stripe(settings, stripe_server):
    settings.STRIPE_API_BASE = stripe_server.url
    settings.STRIPE_SECRET_KEY = "sk_test_made_up"
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    stripe_payments.gateway_in_use.cache_clear()
    yield stripe_server
    stripe_payments.gateway_in_use().close()
    stripe_payments.gateway_in_use.cache_clear()


EVENT = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "charge.updated",
        "created": 1,
        "data": {"object": {"id": "ch_1", "object": "charge"}},
    }
).encode()


def deliver(client, body, header):
    return client.post(
        "/api/v1/stripe/webhook", body, content_type="application/json", headers={"Stripe-Signature": header}
    )


def test_a_webhook_keeps_a_signed_event(client, db, at_stripe):
    header = signature(EVENT, [SECRET], int(time.time()))

    assert [deliver(client, EVENT, header).status_code for _ in range(2)] == [200, 200]

    assert StripeEvent.objects.get().kind == "charge.updated"


@pytest.mark.parametrize(("body", "header"), [(EVENT, ""), (EVENT, "t=1,v1=00"), (b"\xff", "t=1,v1=00"), (b"", "é")])
def test_a_webhook_refuses_what_stripe_did_not_sign(client, db, at_stripe, body, header):
    answer = deliver(client, body, header)

    assert_problem(answer, 400, "bad-signature")
    assert not StripeEvent.objects.exists()


def test_a_webhook_refuses_what_is_no_event(client, db, at_stripe):
    answer = deliver(client, b"[]", signature(b"[]", [SECRET], int(time.time())))

    assert_problem(answer, 400, "malformed-event")
    assert not StripeEvent.objects.exists()


def test_a_webhook_is_only_posted_to(client, db):
    assert client.get("/api/v1/stripe/webhook").status_code == 405


def test_whoami_tells_the_key_and_its_organization(api, buyer):
    answer = api.get("/api/v1/whoami").json()

    assert answer["organization"] == {
        "id": str(buyer.pk),
        "kind": OrganizationKind.BUYER,
        "name": buyer.name,
        "credit_code": buyer.credit_code,
    }
    assert markets.AT
