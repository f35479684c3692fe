"""Buying a block of months from the page of a listing, and ordering beside a reservation."""

from django.urls import reverse

from market.models import Order
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.test_forms import order_form
from tests.portal.world import World


def test_a_block_is_bought_from_its_listing(world: World, sign_in: SignIn) -> None:
    client, address = sign_in("trader"), f"{reverse('portal:block-new')}?offering={world.offering.pk}"
    assert address in client.get(reverse("portal:offering", args=[world.offering.pk])).content.decode()
    wanted = {"name": "包月", "count": "4", "starts_on": "2026-11-01", "months": "1", "grant": ""}

    assert "3 months" in client.get(address, headers={"accept-language": "en"}).content.decode()
    assert "至少提前到明天" in client.post(address, wanted | {"starts_on": "2026-10-20"}).content.decode()
    client.post(address, wanted)

    order = Order.objects.get()
    assert (order.kind, order.hours, order.match.price_micro) == ("block", 720, 2_200_000)
    shown = client.get(reverse("portal:order", args=[order.pk])).content.decode()
    assert "预留包" in shown
    beside = order_form(world, beside=str(order.reservation.pk), count="1")
    client.post(reverse("portal:order-new"), beside)
    near = Order.objects.exclude(pk=order.pk).get()
    assert near.beside == order.reservation
    assert "与预留同中心" in client.get(reverse("portal:order", args=[near.pk])).content.decode()


def test_a_block_that_is_paid_month_by_month_says_when_and_how_much(world: World, sign_in: SignIn) -> None:
    client, address = sign_in("trader"), f"{reverse('portal:block-new')}?offering={world.offering.pk}"
    line = worlds.sell_storage(world, at=worlds.NOW)
    wanted = {"count": "1", "starts_on": "2026-11-01", "months": "3", "grant": "", "monthly": "on"}
    empty = client.get(address)
    assert empty.context["form"].fields[f"line_{line.pk}"].widget.attrs["class"] == "form-control"
    assert "北京时间零点起" in empty.content.decode()

    client.post(address, wanted | {f"line_{line.pk}": "1000"})

    held = Order.objects.get().reservation
    shown = client.get(reverse("portal:my-reservation", args=[held.pk]))
    assert shown.context["month"].estimate_fen == 744 * 220
    assert "按月支付" in shown.content.decode()
    assert held.taken_lines.get().estimate_fen == held.hours * 50


def test_only_a_listed_offering_has_a_page_to_reserve_it(world: World, sign_in: SignIn) -> None:
    client = sign_in("trader")

    assert client.get(reverse("portal:block-new")).status_code == 404
    assert client.get(f"{reverse('portal:block-new')}?offering=nonsense").status_code == 404
