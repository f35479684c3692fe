"""Journeys of buyers and sellers in a real browser, in Chinese and in English, wide and narrow."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from billing.models import Charge
from market.models import Offering, OfferingStatus, Order
from tests import tracing
from tests.portal import browser as browsers
from tests.portal import world as worlds
from tests.portal.browser import Visitor
from tests.portal.world import World

Enter = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def _still_clock(settings: Any, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text(worlds.NOW.isoformat(), encoding="ascii")
    settings.REHEARSAL_CLOCK = str(clock)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.started() as browser:
        yield browser


@pytest.fixture
def world(transactional_db: None) -> World:
    return worlds.build()


@pytest.fixture
def enter(chromium: Browser, world: World, live_server: Any) -> Iterator[Enter]:
    """Open a browser window, signed in or not; at the end nothing may have gone wrong in any."""
    visitors: list[Visitor] = []

    def come(name: str = "", *, width: int = 1440) -> Visitor:
        visitor = Visitor(chromium, live_server.url, width=width)
        visitors.append(visitor)
        if name:
            visitor.sign_in(name, worlds.PASSWORD)
        return visitor

    yield come

    for visitor in visitors:
        visitor.leave()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture
def come_in(enter: Enter) -> Iterator[Enter]:
    """Open a browser window in which somebody has signed in, or nobody: for those who only look at pages.

    Nothing is traced: what pages show is measured where it is tested.
    """

    def come(name: str = "") -> Visitor:
        visitor = enter()
        if name:
            visitor.come_in(name)
        return visitor

    with tracing.paused():
        yield come


def test_a_buyer_signs_in_orders_with_a_voucher_and_watches_the_order(world: World, enter: Enter) -> None:
    buyer = enter("trader")
    page = buyer.page

    page.get_by_role("link", name="算力市场", exact=True).click()
    page.get_by_role("link", name="下单 昇腾 910B 训练池").click()
    page.get_by_label("卡数", exact=True).fill("4")
    page.get_by_label("连续小时数").fill("10")
    page.get_by_label("连续小时数").blur()
    expect(page.locator("#quote-body .total dd")).to_have_text("¥61.60")
    expect(page.locator("#quote-body .walk li")).not_to_have_count(0)
    page.get_by_role("button", name="提交订单").click()
    expect(page.locator("#live")).to_contain_text("等待撮合")
    worlds.matching.run(at=worlds.NOW)

    expect(page.locator("#live")).to_contain_text("已成交")
    order = Order.objects.get()
    assert (order.funding.voucher_fen, order.funding.wallet_fen) == (26_40, 61_60)


def test_offerings_are_found_and_compared(world: World, enter: Enter) -> None:
    other = worlds.scenes.listed(world.provider, world.card, site=world.site, name="第二个池", price_micro=2_400_000)
    page = enter().page
    page.goto(reverse("portal:market"))

    page.get_by_label("条件查询").fill("gpu_name=910B price<2.5")
    page.get_by_role("button", name="筛选").click()
    page.get_by_role("link", name="成都市").click()
    for name in [world.offering.name, other.name]:
        page.get_by_role("checkbox", name=f"对比 {name}").check()
    page.get_by_role("button", name="对比所选").click()

    expect(page.locator("table.compare thead th")).to_have_count(2)
    expect(page.locator("table.compare")).to_contain_text("¥2.40")


def test_an_order_is_placed_and_cancelled_without_any_script(world: World, chromium: Browser, live_server: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", base_url=live_server.url)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("用户名").fill("trader")
    page.get_by_label("密码").fill(worlds.PASSWORD)
    page.locator("main button").click()
    page.goto(f"/orders/new/?offering={world.offering.pk}")

    page.get_by_role("button", name="计算报价").click()
    expect(page.locator("#quote-body .total dd")).to_have_text("¥36.96")
    page.get_by_role("button", name="提交订单").click()
    page.get_by_role("button", name="取消订单").click()

    expect(page.locator("#live")).to_contain_text("已取消")
    assert Order.objects.get().status == "cancelled"
    context.close()


def test_a_seller_puts_cards_on_sale(world: World, enter: Enter) -> None:
    seller = enter("seller")
    page = seller.page
    page.get_by_role("link", name="新建挂牌").click()

    page.get_by_label("名称").fill("910B 推理池")
    page.get_by_label("算力中心").select_option(label=world.site.name)
    page.get_by_label("型号").select_option(label=str(world.card))
    page.get_by_label("用途").select_option("GPU_INFER")
    page.get_by_label("卡数", exact=True).fill("16")
    page.get_by_label("价格").fill("1.8")
    page.get_by_role("button", name="保存为草稿").click()
    page.get_by_role("button", name="提交审核").click()
    expect(page.locator(".figures")).to_contain_text("审核中")
    desk = enter("operator1").page
    desk.goto("/desk/listings/")
    desk.get_by_role("link", name="910B 推理池").click()
    desk.get_by_role("button", name="批准").click()
    page.reload()

    expect(page.locator(".figures")).to_contain_text("已上架")
    offering = Offering.objects.get(name="910B 推理池")
    assert (offering.status, offering.price_micro) == (OfferingStatus.LISTED, 1_800_000)


def test_the_language_is_switched_and_kept(enter: Enter) -> None:
    visitor = enter()
    page = visitor.page
    page.goto("/market/")
    chinese = page.locator("h1").inner_text()

    page.get_by_role("button", name="EN").click()
    english = page.locator("h1").inner_text()
    page.reload()

    assert (chinese, english) == ("算力市场", "Market")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").inner_text() == "Market"


def test_english_fits_as_well(world: World, enter: Enter) -> None:
    buyer = enter("buyer", width=browsers.NARROW)
    buyer.page.get_by_role("button", name="EN").click()

    for name in ["overview", "market", "measure", "orders", "order-new", "wallet"]:
        buyer.page.goto(reverse(f"portal:{name}"))
        for width in buyer.widths():
            buyer.shoot(f"english-{name}")
            assert (name, width, buyer.too_wide()) == (name, width, 0)


def test_the_keyboard_reaches_the_content_first(enter: Enter) -> None:
    page = enter().page
    page.goto("/market/")

    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")

    assert focused == "跳到正文"
    assert page.evaluate("document.activeElement.id") == "main"


def test_pages_fit_their_window_and_say_nothing_wrong(world: World, come_in: Enter) -> None:
    order = worlds.place(world, at=worlds.LAST_MONTH)
    reservation = worlds.serve(world, order, at=worlds.LAST_MONTH)
    invoice, settlement = worlds.settle_month(world, at=worlds.NOW)
    this_month = worlds.place(world, at=worlds.NOW.replace(day=12), name="本月训练", count=8, hours=30)
    worlds.serve(world, this_month, at=worlds.NOW.replace(day=12))
    running = worlds.place(world, at=worlds.NOW, name="推理服务扩容", count=16, hours=6)
    worlds.matching.run(at=worlds.NOW)
    worlds.place(world, at=worlds.NOW, name="夜间批处理", count=100, hours=6)
    worlds.matching.run(at=worlds.NOW)
    top_up = worlds.announce(world.buyer, 20_000_00)
    rfq = worlds.quoted(world)
    worlds.sell_storage(world, at=worlds.NOW)
    charge = Charge.objects.order_by("pk")[0]
    new_order = f"{reverse('portal:order-new')}?offering={world.offering.pk}"
    pages = {
        "": {
            "home": "/",
            "login": "/login/",
            "market": f"{reverse('portal:market')}?q=price<3&category=GPU_TRAIN",
            "market-wrong": f"{reverse('portal:market')}?q=colour=red",
            "measure": reverse("portal:measure"),
            "prices": reverse("portal:prices"),
            "compare": f"{reverse('portal:compare')}?offering={world.offering.pk}",
            "offering": reverse("portal:offering", args=[world.offering.pk]),
        },
        "buyer": {
            "buyer-overview": reverse("portal:overview"),
            "buyer-orders": reverse("portal:orders"),
            "buyer-order-new": new_order,
            "buyer-order-waiting": reverse("portal:order", args=[running.pk]),
            "buyer-order": reverse("portal:order", args=[order.pk]),
            "buyer-vouchers": reverse("portal:vouchers"),
            "buyer-voucher": reverse("portal:voucher", args=[world.grant.pk]),
            "buyer-wallet": reverse("portal:wallet"),
            "buyer-top-up-new": reverse("portal:top-up-new"),
            "buyer-top-up": reverse("portal:top-up", args=[top_up.pk]),
            "buyer-reservation-lines": reverse("portal:my-reservation-lines", args=[reservation.pk]),
            "buyer-bills": reverse("portal:bills"),
            "buyer-bill": reverse("portal:bill", args=[invoice.pk]),
            "buyer-bill-order": reverse("portal:bill-order", args=[invoice.pk, order.pk]),
            "buyer-charge": reverse("portal:charge", args=[charge.pk]),
            "buyer-developer": reverse("portal:developer"),
            "buyer-rfqs": reverse("portal:rfqs"),
            "buyer-rfq-new": reverse("portal:rfq-new"),
            "buyer-rfq": reverse("portal:rfq", args=[rfq.pk]),
            "not-found": "/nothing/",
            "refused": reverse("portal:seller"),
        },
        "seller": {
            "seller-overview": reverse("portal:seller"),
            "seller-offerings": reverse("portal:offerings"),
            "seller-offering-new": reverse("portal:offering-new"),
            "seller-offering": reverse("portal:offering-mine", args=[world.offering.pk]),
            "seller-reservations": reverse("portal:reservations"),
            "seller-reservation": reverse("portal:reservation", args=[reservation.pk]),
            "seller-rfqs": reverse("portal:rfqs-seen"),
            "seller-rfq": reverse("portal:rfq-seen", args=[rfq.pk]),
            "seller-usage": reverse("portal:usage"),
            "seller-usage-batch": reverse("portal:usage-batch", args=[world.provider.usage_batches.latest("pk").pk]),
            "seller-settlements": reverse("portal:settlements"),
            "seller-settlement": reverse("portal:settlement", args=[settlement.pk]),
            "seller-developer": reverse("portal:developer"),
        },
        "officer2": {
            "desk-programmes": reverse("portal:programmes"),
            "desk-programme": reverse("portal:programme", args=[world.programme.pk]),
            "desk-grants": reverse("portal:grants"),
            "desk-grant-new": reverse("portal:grant-new"),
        },
        "operator1": {"desk-transfers": reverse("portal:transfers")},
    }

    for name, addresses in pages.items():
        come_in(name).look(addresses)
