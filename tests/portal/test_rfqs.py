"""Requests for quotations on the pages of both sides."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.services.audit import Actor
from core.periods import SHANGHAI
from market.models import Bid, Order, Rfq, RfqStatus, SealedBid
from market.services import rfqs
from tests.market import rfqs as requests
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

NOON = worlds.NOW + timedelta(hours=2)
START = worlds.NOW + timedelta(days=3)


def typed(at: Any) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


def publish(client: Client, world: World, **changes: Any) -> Any:
    fields = {
        "title": "大模型训练集群",
        "category": "GPU_TRAIN",
        "accelerators": [str(world.card.pk)],
        "count": "16",
        "hours": "10",
        "start_min": typed(START),
        "start_max": typed(START),
        "bids_until": typed(NOON),
        "budget": "9876.50",
    }
    return client.post(reverse("portal:rfq-new"), fields | changes)


def bid(client: Client, world: World, rfq: Rfq, **changes: Any) -> Any:
    fields = {
        "offering": str(world.offering.pk),
        "price": "1.5",
        "count": "16",
        "starts_at": typed(START),
        "valid_until": typed(NOON + timedelta(days=1)),
        "note": "液冷",
    }
    return client.post(reverse("portal:rfq-bid", args=[rfq.pk]), fields | changes)


def test_from_a_request_to_its_award(world: World, sign_in: SignIn) -> None:
    buyer, seller = sign_in("trader"), sign_in("seller")
    assert publish(buyer, world).status_code == 302
    rfq = Rfq.objects.get()
    seen = reverse("portal:rfq-seen", args=[rfq.pk])

    assert "9,876.50" not in seller.get(seen).content.decode()
    seller.post(reverse("portal:rfq-ask", args=[rfq.pk]), {"text": "网络要求？"})
    question = rfq.questions.get()
    buyer.post(reverse("portal:rfq-answer", args=[rfq.pk, question.pk]), {"text": "RoCE 即可"})
    assert bid(seller, world, rfq, price="1.6").status_code == 302
    assert bid(seller, world, rfq).status_code == 302
    page = seller.get(seen).content.decode()
    assert "RoCE 即可" in page
    assert "¥1.50" in page
    mine = reverse("portal:rfq", args=[rfq.pk])
    assert "液冷" not in buyer.get(mine).content.decode()

    rfqs.open_bids(rfq_id=rfq.pk, at=NOON)
    assert "液冷" in buyer.get(mine).content.decode()
    won = Bid.objects.get()
    answer = buyer.post(reverse("portal:rfq-award", args=[rfq.pk]), {"bids": [str(won.pk)], "reason": "", "grant": ""})

    assert answer.status_code == 302
    order = Order.objects.get()
    assert order.funding.estimate_fen == 240_00
    assert "经询价授标" in buyer.get(reverse("portal:order", args=[order.pk])).content.decode()
    assert "您的报价已中标" in seller.get(seen).content.decode()
    for address, client in ((mine, buyer), (seen, seller)):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert (address, len(queries) <= 15) == (address, True)


def test_a_bid_that_cannot_be_read_is_shown_to_its_provider_and_the_buyer(world: World, sign_in: SignIn) -> None:
    buyer, seller = sign_in("buyer"), sign_in("seller")
    publish(buyer, world)
    rfq = Rfq.objects.get()
    seen, mine = reverse("portal:rfq-seen", args=[rfq.pk]), reverse("portal:rfq", args=[rfq.pk])
    damaged = requests.damaged(rfq, world.provider, at=worlds.NOW)
    assert "请重新密封" in seller.get(seen).content.decode()

    rfqs.open_bids(rfq_id=rfq.pk, at=NOON + timedelta(days=1))

    why = "以其他密钥密封，或已损坏"
    assert f"您的报价无法读取，不能中标。 {why}" in seller.get(seen).content.decode()
    told = buyer.get(mine).content.decode()
    assert f"<strong>{world.provider.name}</strong> · {why}" in told
    assert damaged.sha256 in told


def test_a_refusal_stands_beside_its_field(world: World, sign_in: SignIn) -> None:
    buyer, seller = sign_in("buyer"), sign_in("seller")
    refused = publish(buyer, world, bids_until=typed(worlds.NOW))
    assert "bids_until" in refused.context["form"].errors
    publish(buyer, world)
    rfq = Rfq.objects.get()

    assert "count" in bid(seller, world, rfq, count="17").context["form"].errors
    assert "price" in bid(seller, world, rfq, price="").context["form"].errors
    assert not SealedBid.objects.exists()


def test_nothing_awarded_and_cancelled_and_withdrawn(world: World, sign_in: SignIn) -> None:
    buyer, seller = sign_in("buyer"), sign_in("seller")
    publish(buyer, world)
    publish(buyer, world)
    first, second = Rfq.objects.order_by("pk")
    bid(seller, world, first)
    bid(seller, world, second)
    seller.post(reverse("portal:rfq-withdraw", args=[second.pk]))
    rfqs.open_bids(rfq_id=first.pk, at=NOON)

    assert "bids" in buyer.post(reverse("portal:rfq-award", args=[first.pk]), {}).context["form"].errors
    buyer.post(reverse("portal:rfq-close", args=[first.pk, "decline"]), {"reason": "预算取消"})
    buyer.post(reverse("portal:rfq-close", args=[second.pk, "cancel"]))

    assert [one.status for one in Rfq.objects.order_by("pk")] == [RfqStatus.DECLINED, RfqStatus.CANCELLED]
    assert buyer.post(reverse("portal:rfq-close", args=[first.pk, "erase"])).status_code == 404
    assert SealedBid.objects.filter(rfq=second).order_by("-version")[0].sealed == b""


def test_only_those_concerned_come_in(world: World, sign_in: SignIn) -> None:
    publish(sign_in("buyer"), world, title="秘密")
    rfq = Rfq.objects.get()

    assert sign_in("viewer").post(reverse("portal:rfq-close", args=[rfq.pk, "cancel"])).status_code == 403
    assert bid(sign_in("onlooker"), world, rfq).status_code == 403
    assert sign_in("seller").get(reverse("portal:rfq", args=[rfq.pk])).status_code == 403
    assert sign_in("buyer").get(reverse("portal:rfq-seen", args=[rfq.pk])).status_code == 403


@pytest.mark.parametrize(("name", "page"), [("buyer", "rfqs"), ("seller", "rfqs-seen")])
def test_the_lists_ask_few_questions(world: World, sign_in: SignIn, name: str, page: str) -> None:
    client = sign_in(name)
    assert client.get(reverse(f"portal:{page}")).status_code == 200
    wanted = {
        "title": "集群",
        "category": "GPU_TRAIN",
        "count": 1,
        "hours": 1,
        "start_min": START,
        "start_max": START,
        "bids_until": NOON,
        "requirement": "任意",
    }
    for _ in range(30):
        rfqs.publish(buyer=world.buyer, wanted=rfqs.Wanted(**wanted), actor=Actor(), at=worlds.NOW)

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse(f"portal:{page}"), {"status": "open"})

    assert len(answer.context["page"].rows) == 25
    assert len(queries) <= 15
