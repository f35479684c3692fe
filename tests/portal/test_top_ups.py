"""Topping up through payment apps: where to pay is shown, a dead gateway is said, and nothing is offered unset."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import segno
from django.urls import reverse

from billing.models import TopUp, TopUpStatus
from billing.services import stripe_payments
from config.demo.stripe_server import StripeServer
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

SECRET = "whsec_made_up"


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    """Run a make-believe Stripe and point the gateway at it."""
    with StripeServer(secret=SECRET) as server:
        settings.STRIPE_SECRET_KEY = "sk_test_made_up"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = server.url
        stripe_payments.gateway_in_use.cache_clear()
        yield server
        stripe_payments.gateway_in_use().close()
        stripe_payments.gateway_in_use.cache_clear()


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
def test_a_payment_app_is_offered_and_led_to(world: World, sign_in: SignIn, stripe: StripeServer, method: str) -> None:
    answer = sign_in("finance").post(reverse("portal:top-up-new"), {"amount": "88", "method": method}, follow=True)

    top_up = TopUp.objects.get(method=method)
    intent = answer.context["intent"]
    assert (top_up.amount_fen, top_up.status) == (88_00, TopUpStatus.PENDING)
    assert intent.action_url or intent.qr_text
    assert (intent.action_url or intent.qr_text) in answer.content.decode()


def test_a_code_for_the_phone_is_drawn_where_the_payment_app_gives_one(
    world: World, sign_in: SignIn, stripe: StripeServer
) -> None:
    sent = {"amount": "88", "method": "wechat_pay"}

    answer = sign_in("finance").post(reverse("portal:top-up-new"), sent, follow=True)

    page = answer.content.decode()
    drawn = re.search(r'<path [^>]*class="qrline"[^>]* d="([^"]+)"', page)
    expected = segno.make_qr(answer.context["intent"].qr_text, error="m").svg_inline(scale=5, border=4, light="#fff")
    assert drawn is not None
    assert f'd="{drawn[1]}"' in expected


def test_the_live_part_does_not_ask_the_gateway(world: World, sign_in: SignIn, stripe: StripeServer) -> None:
    client = sign_in("finance")
    client.post(reverse("portal:top-up-new"), {"amount": "88", "method": "alipay"})
    address = reverse("portal:top-up", args=[TopUp.objects.get(method="alipay").pk])

    answer = client.get(address, headers={"hx-request": "true"})

    assert answer.context["intent"] is None
    assert answer.context["waiting"]


def test_a_gateway_that_cannot_be_reached_is_said(
    world: World, sign_in: SignIn, stripe: StripeServer, settings: Any
) -> None:
    client = sign_in("finance")
    client.post(reverse("portal:top-up-new"), {"amount": "88", "method": "alipay"})
    address = reverse("portal:top-up", args=[TopUp.objects.get(method="alipay").pk])
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    stripe_payments.gateway_in_use.cache_clear()

    shown = client.get(address)
    refused = client.post(reverse("portal:top-up-new"), {"amount": "77", "method": "alipay"})

    assert shown.status_code == refused.status_code == 200
    assert [message.level_tag for message in shown.context["messages"]] == ["error"]
    assert refused.context["form"].non_field_errors()
    assert worlds.wallet_fen(world.buyer) == worlds.WALLET_FEN


def test_payment_apps_are_not_offered_where_stripe_is_not_set_up(world: World, sign_in: SignIn, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    client = sign_in("finance")

    answer = client.post(reverse("portal:top-up-new"), {"amount": "88", "method": "alipay"})

    assert "method" in answer.context["form"].errors
    assert not TopUp.objects.filter(method="alipay").exists()
