"""The market's pages: facets, the query language, prices per standard card-hour, figures, and comparing."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from market.models import Accelerator, Figure, Offering, StandardMeasure
from portal.market import EXAMPLE
from tests.market import scenes
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

MOST_QUERIES = 15
PER_SCH = "每标准卡时价格"


def worth(card: Accelerator, ppm: int, *, status: str = "provisional") -> None:
    """Let a card be worth so many millionths of the reference card in training."""
    StandardMeasure.objects.create(
        accelerator=card,
        scenario="train-fp16",
        status=status,
        ppm=ppm,
        version="test",
        computed_on=worlds.NOW.date(),
    )


def figure(card: Accelerator, metric: str, value: int, **fields: object) -> Figure:
    """Let something be published about a card."""
    said = {"kind": "published", "density": "dense", "source": "某白皮书", "dated_on": worlds.NOW.date()}
    return Figure.objects.create(accelerator=card, metric=metric, value=value, **(said | fields))


@pytest.fixture
def many(world: World) -> list[Offering]:
    """Thirty more offerings of two cards in two cities, one card worth two of the reference."""
    other = scenes.accelerator("other", domestic=False)
    worth(other, 2_000_000)
    site = scenes.site(world.provider, city="贵阳市", hub_name="贵州")
    return [
        scenes.listed(
            world.provider,
            other if number % 2 else world.card,
            site=site,
            name=f"池 {number}",
            price_micro=3_000_000 + number,
            opens_at=worlds.LAST_MONTH - timedelta(days=number),
        )
        for number in range(30)
    ]


def text_of(client: Client, address: str, **query: object) -> str:
    answer = client.get(address, query or None)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_price_per_standard_card_hour_stands_beside_every_price(world: World, sign_in: SignIn) -> None:
    worth(world.card, 1_100_000)
    client = sign_in("buyer")
    pages = [
        reverse("portal:market"),
        reverse("portal:offering", args=[world.offering.pk]),
        f"{reverse('portal:order-new')}?offering={world.offering.pk}",
        f"{reverse('portal:compare')}?offering={world.offering.pk}",
    ]

    for address in pages:
        shown = text_of(client, address)
        assert (address, PER_SCH in shown, "¥2.00" in shown, "暂估" in shown) == (address, True, True, True)


def test_a_measured_card_has_no_mark(world: World, client: Client) -> None:
    worth(world.card, 1_100_000, status="measured")

    shown = text_of(client, reverse("portal:market"))

    assert "¥2.00" in shown
    assert "暂估" not in shown


def test_a_card_without_a_measure_is_called_not_comparable(world: World, client: Client) -> None:
    assert "不可比" in text_of(client, reverse("portal:market"))
    assert "不可比" in text_of(client, reverse("portal:offering", args=[world.offering.pk]))


def test_the_figures_of_a_card_are_shown_with_source_and_date(world: World, client: Client) -> None:
    figure(world.card, "fp16", 376_000)
    figure(world.card, "fp16", 752_000, density="sparse")
    figure(world.card, "memory-capacity", 65_536, density="")
    expired = {"kind": "measured", "dated_on": worlds.LAST_MONTH.date(), "expires_on": worlds.NOW.date()}
    figure(world.card, "interconnect", 392_500, density="", **expired)

    shown = text_of(client, reverse("portal:offering", args=[world.offering.pk]))

    for text in ["376 TFLOPS", "752 TFLOPS", "稀疏", "64 GiB", "392.5 GB/s", "某白皮书", "2026-10-20", "已过期"]:
        assert (text, text in shown) == (text, True)


@pytest.mark.parametrize("sort", ["", "price", "sch", "start", "reliability"])
def test_following_a_sorted_market_shows_every_offering_once(many: list[Offering], client: Client, sort: str) -> None:
    address, query, shown = reverse("portal:market"), f"?sort={sort}", []
    while query:
        page = client.get(address + query).context["page"]
        shown += page.rows
        query = page.next
        assert not query or f"sort={sort}" in query

    assert len(shown) == len(many) + 1 == len({offering.pk for offering in shown})


def test_a_market_sorted_by_standard_card_hours_begins_with_the_best_value(
    many: list[Offering], client: Client
) -> None:
    page = client.get(reverse("portal:market"), {"sort": "sch"}).context["page"]

    assert [row.accelerator.code for row in page.rows[:15]] == ["other"] * 15
    assert page.rows[15].price_micro == worlds.PRICE_MICRO


def test_a_facet_leads_to_as_many_offerings_as_it_says_and_back(many: list[Offering], client: Client) -> None:
    address = reverse("portal:market")
    rows = client.get(address, {"q": "price>=3"}).context["chips"]
    titles = {row.title: row.chips for row in rows}
    (guiyang,) = titles["城市"]
    model = next(chip for chip in titles["型号"] if chip.label == "other")

    chosen = client.get(address + model.query)
    again = next(
        chip for row in chosen.context["chips"] if row.title == "型号" for chip in row.chips if chip.label == "other"
    )

    assert (guiyang.count, guiyang.label, guiyang.chosen) == (30, "贵阳市", False)
    assert len(chosen.context["page"].rows) == model.count == 15
    assert "q=price" in model.query
    assert again.chosen
    assert "accelerator" not in again.query


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("zh-CN", "colour=red", "没有“colour”这个字段"),
        ("en", "colour=red", "There is no field “colour”"),
        ("zh-CN", "price~3", "没有“~”这个运算符"),
        ("zh-CN", "city<北京", "该字段不能用“&lt;”"),
        ("zh-CN", 'city="北京', "引号"),
    ],
)
def test_a_wrong_query_is_said_beside_its_field_and_left_out(
    world: World, client: Client, language: str, text: str, said: str
) -> None:
    answer = client.get(reverse("portal:market"), {"q": text}, headers={"accept-language": language})

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert answer.context["page"].rows == [world.offering]


def test_offerings_are_compared_side_by_side_in_the_order_chosen(
    world: World, many: list[Offering], client: Client
) -> None:
    figure(world.card, "fp16", 376_000)
    figure(many[1].accelerator, "fp16", 312_000, kind="measured", expires_on=worlds.NOW.date() + timedelta(days=9))
    draft = scenes.draft(world.provider, world.card, name="草稿")
    wanted = [many[1].pk, world.offering.pk, draft.pk, "nonsense", many[1].pk]

    answer = client.get(reverse("portal:compare"), {"offering": wanted})

    (line,) = answer.context["figures"]
    assert answer.context["offerings"] == [many[1], world.offering]
    assert [cell.value for cell in line.cells] == [312_000, 376_000]
    assert "草稿" not in answer.content.decode()


@pytest.mark.parametrize(("who", "offered"), [(None, True), ("buyer", True), ("viewer", False), ("seller", False)])
def test_ordering_is_offered_to_who_may_order_and_to_visitors_who_sign_in_on_the_way(
    world: World, client: Client, sign_in: SignIn, who: str | None, offered: bool
) -> None:
    client = sign_in(who) if who else client
    pages = [
        reverse("portal:market"),
        reverse("portal:offering", args=[world.offering.pk]),
        f"{reverse('portal:compare')}?offering={world.offering.pk}",
    ]

    assert [reverse("portal:order-new") in client.get(page).content.decode() for page in pages] == [offered] * 3


def test_at_most_four_offerings_are_compared(many: list[Offering], client: Client) -> None:
    answer = client.get(reverse("portal:compare"), {"offering": [one.pk for one in many]})

    assert answer.context["offerings"] == many[:4]


def test_comparing_nothing_leads_back_to_the_market(world: World, client: Client) -> None:
    assert "在市场中勾选" in text_of(client, reverse("portal:compare"))


def test_pages_of_the_market_ask_few_questions_whatever_their_rows(
    world: World, many: list[Offering], sign_in: SignIn
) -> None:
    client = sign_in("buyer")
    addresses = [
        f"{reverse('portal:market')}?sort=sch&q=price>=1&text=池",
        f"{reverse('portal:compare')}?" + "&".join(f"offering={one.pk}" for one in many[:4]),
        reverse("portal:offering", args=[world.offering.pk]),
    ]

    for address in addresses:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        assert (address, len(queries) <= MOST_QUERIES) == (address, True)


@pytest.mark.django_db
def test_the_weights_and_the_query_language_are_published(client: Client) -> None:
    shown = text_of(client, reverse("portal:measure"))

    for text in ["2026-1", "55 %", "1,935,000 MB/s", "sch_price", "= != in", escape(EXAMPLE)]:
        assert (text, text in shown) == (text, True)


def test_a_card_that_cannot_be_compared_says_what_is_missing(world: World, client: Client) -> None:
    StandardMeasure.objects.create(
        accelerator=world.card,
        scenario="train-fp16",
        status="not-comparable",
        missing=["memory-bandwidth", "interconnect"],
        version="test",
        computed_on=worlds.NOW.date(),
    )

    shown = text_of(client, reverse("portal:offering", args=[world.offering.pk]))

    assert "缺少指标： 显存带宽 · 互联带宽（双向）" in shown
