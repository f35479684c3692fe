"""The pages of what is interruptible: the seller's floor, the buyer's bid, the notice of a reclaim."""

from django.urls import reverse

from market.models import Offering, Order, Reservation
from market.services import matching
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_forms import errors, order_form
from tests.portal.world import World

BID = {"kind": "interruptible", "limit": "1", "start_max": "2026-10-20T12:00"}


def test_a_seller_sets_a_floor_and_a_buyer_bids_above_it(world: World, sign_in: SignIn) -> None:
    page = reverse("portal:offering-mine", args=[world.offering.pk])
    seller = sign_in("seller")
    seller.post(reverse("portal:offering-floor", args=[world.offering.pk]), {"floor": "0.9", "reclaim_minutes": "30"})
    offering = Offering.objects.get(pk=world.offering.pk)
    assert (offering.floor_micro, offering.reclaim_minutes) == (900_000, 30)
    assert "提前 30 分钟通知" in seller.get(page).content.decode()

    buyer = sign_in("trader")
    said = buyer.post(reverse("portal:order-new"), order_form(world, **BID), follow=True).content.decode()
    assert "直至被收回" in said
    matching.run_interruptible(at=worlds.NOW)
    held = Reservation.objects.get(order=Order.objects.get())
    assert (held.price_micro, held.reclaim_minutes) == (900_000, 30)
    shown = buyer.get(reverse("portal:my-reservation", args=[held.pk])).content.decode()
    assert "可中断，提前 30 分钟通知" in shown
    Reservation.objects.filter(pk=held.pk).update(reclaimed_at=worlds.NOW)
    assert "已通知收回" in buyer.get(reverse("portal:my-reservation", args=[held.pk])).content.decode()


def test_a_floor_is_withdrawn_and_what_is_no_price_changes_nothing(world: World, sign_in: SignIn) -> None:
    seller, address = sign_in("seller"), reverse("portal:offering-floor", args=[world.offering.pk])
    seller.post(address, {"floor": "0.9", "reclaim_minutes": "30"})
    seller.post(address, {"floor": "x", "reclaim_minutes": "30"})
    assert Offering.objects.get(pk=world.offering.pk).floor_micro == 900_000

    seller.post(address, {"floor": "", "reclaim_minutes": "30"})
    assert Offering.objects.get(pk=world.offering.pk).floor_micro is None
    found = errors(sign_in("trader"), reverse("portal:order-new"), order_form(world, **BID))
    assert "__all__" in found

    Offering.objects.filter(pk=world.offering.pk).update(status="archived")
    said = seller.post(address, {"floor": "1", "reclaim_minutes": "30"}, follow=True).content.decode()
    assert "已归档" in said


def test_only_traders_of_the_provider_set_its_floor(world: World, sign_in: SignIn) -> None:
    address = reverse("portal:offering-floor", args=[world.offering.pk])

    assert [sign_in(who).post(address, {}).status_code for who in ("onlooker", "trader")] == [403, 403]
