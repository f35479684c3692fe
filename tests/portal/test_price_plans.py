"""A seller publishes price plans; everyone reads them in their language."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from accounts.services.audit import SYSTEM
from core.periods import HOUR, SHANGHAI
from market.models import PricePlan
from market.pricing import Band, Electricity, Plan, Step
from market.services import prices
from portal import plans
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World

FROM = (worlds.NOW + 30 * HOUR).replace(minute=0, second=0, microsecond=0)


def sent(**changes: Any) -> dict[str, Any]:
    start = FROM.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:00")
    lines = {"bands": "23-7 1.80\n\n10 – 15 2.6", "terms": "168 5\n720 10%", "volumes": ""}
    return {"starts_at": start, "base": "2.20", **lines} | changes


def publish(world: World, sign_in: SignIn, **changes: Any) -> Any:
    return sign_in("seller").post(reverse("portal:price-plans", args=[world.offering.pk]), sent(**changes))


def test_a_seller_types_a_plan_as_lines(world: World, sign_in: SignIn) -> None:
    answer = publish(world, sign_in)

    published = PricePlan.objects.get(offering=world.offering)
    assert answer.status_code == 302
    assert published.starts_at == FROM
    assert published.terms == {
        "base_micro": 2_200_000,
        "bands": [
            {"from_hour": 23, "to_hour": 7, "price_micro": 1_800_000},
            {"from_hour": 10, "to_hour": 15, "price_micro": 2_600_000},
        ],
        "electricity": None,
        "terms": [{"at_least": 168, "discount_bp": 500}, {"at_least": 720, "discount_bp": 1_000}],
        "volumes": [],
    }


def test_a_plan_may_follow_a_published_tariff(world: World, sign_in: SignIn) -> None:
    prices.publish_tariff(
        code="sichuan", starts_at=worlds.NOW, hourly_micro=[400_000] * 24, source="发改委", actor=SYSTEM, at=worlds.NOW
    )
    linked = {"tariff": "sichuan", "share": "50", "watts": "700", "pue": "1.2"}

    missing = publish(world, sign_in, **linked)
    whole = publish(world, sign_in, **linked, reference="0.6", lowest="2", highest="3")

    assert set(missing.context["form"].errors) == {"reference", "lowest", "highest"}
    assert whole.status_code == 302
    assert PricePlan.objects.get().terms["electricity"] == {
        "tariff": "sichuan",
        "share_bp": 5_000,
        "watts": 700,
        "pue_bp": 12_000,
        "reference_micro": 600_000,
        "lowest_micro": 2_000_000,
        "highest_micro": 3_000_000,
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base": ""}, "base"),
        ({"bands": "23 to 7, 1.80"}, "bands"),
        ({"bands": "23-7 1.8.0"}, "bands"),
        ({"bands": "23-7 1\n5-8 2"}, "bands"),
        ({"bands": "25-7 1"}, "bands"),
        ({"bands": "1-2 999999999999999"}, "bands"),
        ({"terms": "168 95"}, "terms"),
        ({"terms": "168 5.123"}, "terms"),
        ({"volumes": "16 3\n16 4"}, "volumes"),
        ({"starts_at": "2020-01-01T00:00"}, "starts_at"),
        ({"tariff": "nowhere"}, "tariff"),
    ],
)
def test_what_cannot_be_a_plan_is_said_beside_its_field(
    world: World, sign_in: SignIn, changes: dict[str, str], field: str
) -> None:
    answer = publish(world, sign_in, **changes)

    assert set(answer.context["form"].errors) - {"__all__"} == {field}
    assert not PricePlan.objects.exists()


def test_only_who_trades_for_the_seller_prices_its_offerings(world: World, sign_in: SignIn) -> None:
    address = reverse("portal:price-plans", args=[world.offering.pk])

    answers = {name: sign_in(name).post(address, sent()).status_code for name in ("buyer", "onlooker")}

    assert answers == {"buyer": 403, "onlooker": 403}
    assert not PricePlan.objects.exists()


def test_buyers_read_what_counts_and_what_is_to_come(world: World, sign_in: SignIn) -> None:
    publish(world, sign_in)

    page = sign_in("buyer").get(reverse("portal:offering", args=[world.offering.pk])).content.decode()

    assert "北京时间 23:00 至 07:00：¥1.80。" in page
    assert "即将生效" in page


def test_a_plan_is_said_in_sentences() -> None:
    linked = Electricity("sichuan", 5_000, 700, 12_000, 600_000, 2_000_000, 3_000_000)
    plan = Plan(2_200_000, (Band(23, 7, 1_800_000),), linked, (Step(168, 500),), (Step(16, 300),))

    electric = (
        "Follows the tariff sichuan: 50.00% of the difference to ¥0.60 per kWh, for 700 W at a PUE of 1.20, "
        "between ¥2.00 and ¥3.00."
    )

    with translation.override("en"):
        said = plans.sentences(plan)

    assert said == [
        "¥2.20 per card-hour.",
        "From 23:00 to 07:00 Shanghai time: ¥1.80.",
        electric,
        "Orders of 168 hours or more: 5.00% off.",
        "16 cards or more: 3.00% off.",
    ]


def test_a_seller_whose_plan_is_far_from_the_reviewed_price_is_told_that_it_is_reviewed(
    world: World, sign_in: SignIn
) -> None:
    reviewed = world.offering.price_micro * 6 // 5

    near = sign_in("seller").post(
        reverse("portal:price-plans", args=[world.offering.pk]),
        sent(base=f"{reviewed / 1_000_000:.6f}", bands="", terms=""),
        follow=True,
    )
    later = (FROM + HOUR).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:00")
    far = sign_in("seller").post(
        reverse("portal:price-plans", args=[world.offering.pk]),
        sent(base=f"{(reviewed + 1) / 1_000_000:.6f}", bands="", terms="", starts_at=later),
        follow=True,
    )

    assert "重新审核该挂牌。" not in "".join(str(one) for one in near.context["messages"])
    assert [str(one) for one in far.context["messages"]][-1] == "与审核过的价格相差过大：运营机构将重新审核该挂牌。"
    world.offering.refresh_from_db()
    assert world.offering.status == "review"
