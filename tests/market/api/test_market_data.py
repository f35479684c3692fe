"""Market data over HTTP, without a key."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Onboarding
from accounts.services import onboardings
from market.api.market_data import PublicRate
from market.services import candles, indices, matching, tape
from market.services.splits import Split
from tests.market import scenes
from tests.market.scenes import AT, hours

CLASS = {"accelerator": "card", "category": "GPU_TRAIN"}


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


def get(path, **query):
    return APIClient().get(f"/api/v1/market-data/{path}", query)


def found(path, **query):
    answer = get(path, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(path, **query):
    answer = get(path, **query)
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_depth_counts_what_is_free_hour_by_hour(buyer, offering, card, provider):
    dear = scenes.listed(provider, card, price_micro=2_150_000, count=10, closes_at=AT + hours(3))
    scenes.listed(provider, card, price_micro=2_190_000, count=1, opens_at=AT + timedelta(minutes=90))
    scenes.draft(provider, card)
    scenes.reserved(buyer, offering)

    depth = found("depth", **CLASS, hours=4)

    assert dear.price_micro == 2_150_000
    # 8 cards × 4 hours less 2 × 3 that are reserved; 10 cards until 05:00; 1 card from 04:00, its first full hour.
    assert depth["supply"] == [
        {"from_micro": 2_000_000, "below_micro": 2_100_000, "card_hours": 26},
        {"from_micro": 2_100_000, "below_micro": 2_200_000, "card_hours": 32},
    ]
    assert (depth["best_ask_micro"], depth["starts_at"]) == (2_000_000, "2026-10-01T10:00:00+08:00")


def test_what_a_suspended_provider_has_is_no_supply(offering, card, provider):
    scenes.listed(scenes.provider(), card, price_micro=2_500_000)
    onboarding = Onboarding.objects.get(organization=provider)
    onboardings.suspend(onboarding=onboarding, reason="Licence withdrawn", actor=scenes.operator(), at=AT)

    depth = found("depth", **CLASS, hours=1)

    assert [step["from_micro"] for step in depth["supply"]] == [2_500_000]
    assert depth["best_ask_micro"] == 2_500_000


def test_depth_of_a_hub_is_what_its_sites_have(offering, card, provider):
    scenes.listed(provider, card, site=scenes.site(provider, hub_name="成渝"), price_micro=3_000_000, count=1)

    assert [step["card_hours"] for step in found("depth", **CLASS, hub="成渝", hours=1)["supply"]] == [1]
    assert [step["card_hours"] for step in found("depth", **CLASS, hub="", hours=1)["supply"]] == [8]
    assert found("classes") == {"classes": [CLASS], "hubs": ["成渝"]}
    assert found("classes", category="HPC")["classes"] == []


def want(card, who, limit_micro, **terms):
    return scenes.order(who, card, limit_micro=limit_micro, at=AT - hours(1), **terms)


def test_demand_is_shown_only_where_several_buyers_stand_behind_it(offering, card):
    one, two, three = (scenes.buyer() for _ in range(3))
    for who, limit in ((one, 9_000_000), (one, 8_000_000), (two, 7_000_000)):
        want(card, who, limit, count=1, hours=2)
    assert found("depth", **CLASS)["demand"] == []

    want(card, three, 6_950_000, count=1, hours=2)
    want(card, three, 2_000_000, count=8, hours=9)

    assert found("depth", **CLASS)["demand"] == [
        {"from_micro": 6_900_000, "below_micro": 9_100_000, "card_hours": 8, "orders": 4}
    ]


def test_an_order_in_parts_demands_what_it_has_not_got_yet(offering, card):
    for _ in range(2):
        want(card, scenes.buyer(), 3_900_000, count=9, hours=2, kind="auction")
    parts = {"split": Split(parts=3, cards=4), "start_max": AT + hours(1)}
    parted = want(card, scenes.buyer(), 3_900_000, count=12, hours=2, **parts)
    matching.run(at=AT)

    assert [one.count for one in parted.reservations.all()] == [8]
    assert found("depth", **CLASS)["demand"][0]["card_hours"] == 9 * 2 * 2 + 4 * 2


def test_an_order_shows_in_the_demand_after_its_hour(offering, card):
    for _ in range(3):
        scenes.order(scenes.buyer(), card)

    assert found("depth", **CLASS)["demand"] == []
    with time_machine.travel(AT + hours(1), tick=False):
        assert len(found("depth", **CLASS)["demand"]) == 1


def test_the_indicative_price_is_the_dearest_ask_that_finds_a_buyer(offering, card, provider):
    scenes.listed(provider, card, price_micro=2_500_000)
    scenes.listed(provider, card, price_micro=4_000_000)
    period = {"starts_at": (AT + hours(1)).isoformat(), "hours": 1}
    assert found("depth", **CLASS, **period)["indicative"] == {"price_micro": None, "status": "few-orders"}

    for limit in (3_900_000, 3_000_000, 2_000_000):
        want(card, scenes.buyer(), limit, count=5, hours=1)

    # 8 card-hours at ¥2.00 are less than the 10 that would pay ¥2.50.
    assert found("depth", **CLASS, **period)["indicative"] == {"price_micro": 2_500_000, "status": "crossing"}


def test_the_tape_names_no_party_and_turns_its_pages(buyer, offering, provider):
    for number in range(3):
        starts_at = AT + hours(1) - timedelta(minutes=2 - number)
        scenes.past_reservation(buyer, offering, starts_at=starts_at, cards=1, length=number + 1, status="held")
    tape.record(at=AT)

    first = found("trades", limit=2)
    second = found("trades", limit=2, cursor=first["next_cursor"])

    rows = first["data"] + second["data"]
    assert [row["hours"] for row in rows] == [3, 2, 1]
    assert rows[0] | {"id": 0} == {
        "id": 0,
        "at": "2026-10-01T10:00:00+08:00",
        "accelerator": "card",
        "category": "GPU_TRAIN",
        "hub": "",
        "cards": 1,
        "hours": 3,
        "starts_at": "2026-10-01T11:00:00+08:00",
        "price_micro": 2_000_000,
        "sch_micro": None,
        "excluded": None,
    }
    assert found("trades", **CLASS, hub="成渝")["data"] == []
    assert not any(str(party.pk) in str(rows) or party.name in str(rows) for party in (buyer, provider))


def test_history_and_index_are_read_by_class_and_hub(buyer, offering):
    scenes.past_reservation(buyer, offering, starts_at=AT + hours(1), status="held")
    for service in (tape.record, candles.close, indices.publish):
        service(at=AT + timedelta(days=1))

    with time_machine.travel(AT + timedelta(days=1), tick=False):
        (hour,) = found("history", **CLASS, span="hour")
        (day,) = found("history", **CLASS)
        (value,) = found("index", **CLASS)
        assert found("history", **CLASS, hub="成渝") == found("index", category="GPU_TRAIN") == []

    assert (hour["starts_at"], hour["median_micro"], hour["card_hours"]) == ("2026-10-01T10:00:00+08:00", 2_000_000, 48)
    assert (day["starts_at"], day["version"]) == ("2026-10-01T00:00:00+08:00", 1)
    assert (value["on"], value["status"], value["price_micro"]) == ("2026-10-01", "few-trades", None)


def test_answers_may_be_kept_for_a_minute_and_are_rationed(offering, monkeypatch):
    assert get("classes")["Cache-Control"] == "public, max-age=60"

    monkeypatch.setattr(PublicRate, "get_rate", lambda _self: "2/min")
    monkeypatch.setattr(PublicRate, "get_ident", lambda _self, _request: "rationed")

    assert [get("classes").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("path", "query", "refusal"),
    [
        ("depth", {}, (400, "invalid")),
        ("depth", CLASS | {"accelerator": "unknown"}, (404, "not-found")),
        ("depth", CLASS | {"starts_at": "2026-09-01T00:00:00Z"}, (422, "bad-period")),
        ("depth", CLASS | {"hub": "\x00"}, (400, "invalid")),
        ("history", CLASS | {"span": "index"}, (400, "invalid")),
        ("history", CLASS | {"colour": "red"}, (400, "invalid")),
        ("index", {"category": "GPU"}, (400, "invalid")),
        ("trades", {"accelerator": "card"}, (400, "invalid")),
        ("trades", {"cursor": "nonsense"}, (400, "bad-cursor")),
    ],
)
def test_what_makes_no_sense_is_refused(offering, path, query, refusal):
    assert refused(path, **query) == refusal
