"""Some buyers also top up by phone: an intent at Stripe's double, paid there, heard of by webhook."""

import json
import urllib.request
from collections.abc import Sequence

from django.db.models import QuerySet

from billing.models import StripeEvent, TopUp, TopUpMethod, TopUpStatus
from config import fleet
from config.demo.client import Client
from config.demo.stage import Stage

PAYERS = 6
AMOUNT_FEN = 20_000_00


def top_up_by_phone(*, stage: Stage, buyers: Sequence[Client]) -> int:
    """Let the first buyers pay by Alipay or WeChat Pay, and wait until their wallets have the money."""
    payers = buyers[:PAYERS]
    for number, buyer in enumerate(payers):
        method = TopUpMethod.ALIPAY if number % 2 else TopUpMethod.WECHAT_PAY
        buyer.post("top-ups", key=f"phone-{number}", body={"method": method, "amount_fen": AMOUNT_FEN})
    stage.wait("payment intents", lambda: _by_phone().filter(status=TopUpStatus.PENDING).count() == len(payers))
    for intent in _by_phone().values_list("stripe_intent", flat=True):
        _pay(stage, str(intent))
    stage.wait("payments", lambda: _by_phone().filter(status=TopUpStatus.SUCCEEDED).count() == len(payers))
    stage.wait("Stripe events", lambda: not StripeEvent.objects.filter(processed_at=None).exists())
    return len(payers)


def _by_phone() -> QuerySet[TopUp]:
    return TopUp.objects.through_stripe()


def _pay(stage: Stage, intent: str) -> None:
    """Press the button that a payer would press."""
    url = f"http://{fleet.LOOPBACK}:{stage.stripe_port}/_control/pay"
    with urllib.request.urlopen(url, data=json.dumps({"intent": intent}).encode(), timeout=10):
        pass
