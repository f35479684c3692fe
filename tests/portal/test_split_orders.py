"""The pages of an order in several parts."""

from datetime import timedelta

from django.urls import reverse

from market.models import Order
from market.services import matching
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_forms import errors, order_form
from tests.portal.world import World

PARTED = {"count": "66", "parts_max": "3", "part_cards": "2", "start_max": "2026-10-20T12:00"}


def test_an_order_in_parts_is_placed_and_every_part_is_shown(world: World, sign_in: SignIn) -> None:
    site = scenes.site(world.provider, name="二期", city="德阳市")
    scenes.listed(
        world.provider, world.card, site=site, name="德阳池", opens_at=worlds.LAST_MONTH, price_micro=2_400_000
    )
    client = sign_in("trader")

    client.post(reverse("portal:order-new"), order_form(world, all_or_none="on", **PARTED))
    order = Order.objects.get()
    assert (order.parts_max, order.part_cards, order.part_hours, order.all_or_none) == (3, 2, 1, True)
    waiting = client.get(reverse("portal:order", args=[order.pk])).content.decode()
    matching.run(at=worlds.NOW + timedelta(hours=1))

    shown = client.get(reverse("portal:order", args=[order.pk])).content.decode()
    listed = client.get(reverse("portal:orders")).content.decode()
    assert ("第 1 份" in waiting, "第 1 份" in shown, "第 2 份" in shown) == (False, True, True)
    assert ("德阳池" in shown, "全有或全无" in shown, "2 份" in listed) == (True, True, True)


def test_an_order_says_how_much_of_it_is_free_in_parts(world: World, sign_in: SignIn) -> None:
    client = sign_in("trader")
    client.post(reverse("portal:order-new"), order_form(world, all_or_none="on", **PARTED))
    matching.run(at=worlds.NOW + timedelta(hours=1))

    shown = client.get(reverse("portal:order", args=[Order.objects.get().pk])).content.decode()

    assert "分份可用 640 卡时" in shown


def test_parts_larger_than_the_order_are_refused_beside_their_fields(world: World, sign_in: SignIn) -> None:
    found = errors(sign_in("trader"), reverse("portal:order-new"), order_form(world, **PARTED | {"part_cards": "67"}))

    assert list(found) == ["part_cards", "__all__"]
