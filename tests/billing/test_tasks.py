"""Sweeps: each finds what waits, sends it in small tasks, and may run twice."""

from datetime import timedelta

import pytest
from celery import current_app

from accounts.services.audit import Actor
from billing import tasks
from billing.models import (
    Charge,
    Funding,
    FundingStatus,
    Invoice,
    MeterChange,
    Settlement,
    StripeEvent,
    TopUp,
    TopUpMethod,
)
from billing.services import stripe_payments, top_ups
from tests.billing import scenes
from tests.billing.gateways.conftest import SECRET, gateway, stripe_server  # noqa: F401 - fixtures
from tests.billing.scenes import AT, CARD_HOUR_MS, START
from tests.billing.services.test_invoicing import CLOSED

FULL = 2 * CARD_HOUR_MS


@pytest.fixture
def sent(monkeypatch):
    """Run what is sent at once, in this process, and remember its names."""
    names: list[str] = []

    def send_task(name, kwargs=None):
        names.append(name)
        current_app.tasks[name].apply(kwargs=kwargs, throw=True)

    monkeypatch.setattr(current_app._get_current_object(), "send_task", send_task)
    return names


def twice(sweep, sent) -> list[str]:
    """Run a sweep twice; the second run finds nothing and changes nothing."""
    sweep()
    first, rows = list(sent), scenes.rows()
    sweep()
    assert sent == first
    assert scenes.rows() == rows
    return first


def test_metered_changes_are_charged(buyer, offering, sent, set_clock):
    set_clock(START)
    reservations = [scenes.reserve(buyer, offering, count=1) for _ in range(3)]
    for reservation in reservations:
        scenes.meter(reservation, CARD_HOUR_MS)

    names = twice(tasks.rate_usage, sent)

    assert names == ["billing.rate_reservations"]
    assert Charge.objects.count() == 3
    assert not MeterChange.objects.exists()


def test_one_reservation_that_cannot_be_charged_does_not_hold_up_the_others(buyer, offering, set_clock, caplog):
    set_clock(START)
    bad, good = (scenes.reserve(buyer, offering, count=1) for _ in range(2))
    for reservation in (good, bad):
        scenes.meter(reservation, CARD_HOUR_MS)
    # A transfer under the key of the next charge, from nowhere: the ledger refuses the charge.
    scenes.occupy_next_charge(1)

    tasks.rate_reservations(reservation_ids=[str(bad.pk), str(good.pk)])

    assert [charge.reservation_id for charge in Charge.objects.all()] == [good.pk]
    assert [change.reservation_id for change in MeterChange.objects.all()] == [bad.pk]
    assert "is left to the next sweep" in caplog.text


def test_fundings_of_orders_that_are_over_are_closed(buyer, offering, grant, sent, set_clock):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    set_clock(scenes.serve(reservation))

    names = twice(tasks.close_fundings, sent)

    assert names == ["billing.close_some_fundings"]
    assert Funding.objects.get().status == FundingStatus.CLOSED
    assert scenes.broken() == []


def test_a_funding_that_is_no_longer_due_is_left_alone(buyer, offering, set_clock):
    set_clock(AT)
    order = scenes.place(buyer, offering)

    tasks.close_some_fundings(funding_ids=[str(scenes.funding(order).pk)])

    assert Funding.objects.get().status == FundingStatus.OPEN


def test_a_closed_month_is_invoiced_and_settled(buyer, offering, grant, sent, set_clock):
    reservation = scenes.reserve(buyer, offering, voucher=grant)
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    set_clock(CLOSED)

    tasks.settle_providers()
    assert sent == []
    assert twice(tasks.issue_invoices, sent) == ["billing.issue_invoice"]
    assert twice(tasks.settle_providers, sent)[1:] == ["billing.settle_provider"]

    assert Invoice.objects.get().amount_fen == 400
    assert Settlement.objects.get().net_fen == 390
    assert scenes.broken() == []


@pytest.fixture
def at_stripe(settings, stripe_server):
    settings.STRIPE_API_BASE = stripe_server.url
    settings.STRIPE_SECRET_KEY = "sk_test_made_up"
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    stripe_payments.gateway_in_use.cache_clear()
    yield stripe_server
    stripe_payments.gateway_in_use().close()
    stripe_payments.gateway_in_use.cache_clear()


def test_payments_under_way_are_brought_to_their_end(buyer, sent, at_stripe, set_clock):
    at_stripe.courier.hold = True
    asked = top_ups.create(
        organization=buyer, method=TopUpMethod.ALIPAY, amount_fen=5_000, actor=Actor(organization=buyer), at=AT
    )
    set_clock(AT + timedelta(seconds=31))

    assert twice(tasks.sync_payments, sent) == ["billing.heal_top_up"]
    at_stripe.books.pay(TopUp.objects.get(pk=asked.pk).stripe_intent)
    event = at_stripe.courier.held[-1]
    StripeEvent.objects.create(id=event["id"], kind=event["type"], payload=event, received_at=AT)

    assert twice(tasks.sync_payments, sent)[1:] == ["billing.apply_stripe_event"]
    assert TopUp.objects.get(pk=asked.pk).status == "succeeded"
    assert scenes.broken() == []
