"""Searching offerings over HTTP: the query language, refusals in words, facets, sorting and pages."""

import pytest
import time_machine

from market.models import Category, StandardMeasure
from tests.market import scenes
from tests.market.agents import Machine
from tests.market.scenes import AT


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def machine(buyer):
    return Machine(buyer)


@pytest.fixture
def market(provider):
    """Twelve offerings of three cards: one worth two, one worth one, one that cannot be compared."""
    site = scenes.site(provider)
    for name, ppm in [("double", 2_000_000), ("single", 1_000_000), ("unknown", None)]:
        card = scenes.accelerator(name)
        if ppm:
            StandardMeasure.objects.create(
                accelerator=card,
                scenario="train-fp16",
                status="provisional",
                ppm=ppm,
                version="test",
                computed_on=AT.date(),
            )
        for number in range(4):
            scenes.listed(provider, card, site=site, name=f"{name} {number}", price_micro=1_000_000 * (number + 1))


def names(page):
    return [one["name"] for one in page["data"]]


def test_a_query_narrows_the_list(machine, market):
    page = machine.get("offerings", q="gpu_name in [double,single] price<=2").json()

    assert set(names(page)) == {"double 0", "double 1", "single 0", "single 1"}


def test_every_offering_shows_its_price_per_standard_card_hour(machine, market):
    page = machine.get("offerings", q="price=3").json()

    shown = {one["accelerator"]: (one["scenario"], one["sch_status"], one["price_sch_micro"]) for one in page["data"]}
    assert shown == {
        "double": ("train-fp16", "provisional", 1_500_000),
        "single": ("train-fp16", "provisional", 3_000_000),
        "unknown": ("train-fp16", "not-comparable", None),
    }


def test_an_offering_of_another_category_is_compared_in_its_own_scenario(machine, market):
    card = scenes.Accelerator.objects.get(code="double")
    scenes.listed(scenes.provider(), card, name="inference", category=Category.GPU_INFER)

    (inference,) = machine.get("offerings", q="category=infer").json()["data"]

    assert (inference["scenario"], inference["price_sch_micro"]) == ("infer-int8", None)


@pytest.mark.parametrize("sort", ["price", "sch", "start", "reliability"])
def test_pages_of_a_sorted_search_show_every_offering_once(machine, market, sort):
    whole = names(machine.get("offerings", sort=sort).json())
    shown, cursor = [], ""
    while cursor is not None:
        page = machine.get("offerings", sort=sort, limit=5, **({"cursor": cursor} if cursor else {})).json()
        shown += names(page)
        cursor = page["next_cursor"]

    assert shown == whole
    assert len(set(shown)) == 12


def test_prices_per_standard_card_hour_are_in_order_and_what_cannot_be_compared_comes_last(machine, market):
    page = machine.get("offerings", sort="sch").json()

    prices = [one["price_sch_micro"] for one in page["data"]]
    assert prices[:8] == sorted(prices[:8])
    assert prices[8:] == [None] * 4


def test_a_cursor_of_another_order_is_refused(machine, market):
    cursor = machine.get("offerings", sort="price", limit=2).json()["next_cursor"]

    response = machine.get("offerings", sort="sch", limit=2, cursor=cursor)

    assert (response.status_code, response.json()["code"]) == (400, "bad-cursor")


@pytest.mark.parametrize(
    ("text", "reason", "word", "position"),
    [
        ("colour=red", "unknown-field", "colour", 1),
        ("price~3", "unknown-operator", "~", 6),
        ("city<北京", "unfit-operator", "<", 5),
        ("price<cheap", "bad-value", "cheap", 7),
        ("price", "missing-operator", "", 6),
        ("city=\x00", None, None, None),
    ],
)
@pytest.mark.parametrize("path", ["offerings", "offerings/facets"])
def test_a_wrong_query_is_refused_with_the_word_at_fault(machine, market, path, text, reason, word, position):
    response = machine.get(path, q=text)

    problem = response.json()
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [one["pointer"] for one in problem["errors"]] == ["/q"]
    assert (problem.get("reason"), problem.get("word"), problem.get("position")) == (reason, word, position)


def test_a_refusal_speaks_the_callers_language(machine, market):
    machine.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"

    response = machine.client.get(
        "/api/v1/offerings", {"q": "colour=red"}, headers={"Authorization": f"Bearer {machine.token}"}
    )

    assert response.json()["detail"].startswith("没有")


def test_facets_count_what_the_search_finds(machine, market):
    counted = machine.get("offerings/facets", q="price<=2", model="double").json()

    assert counted["model"] == [{"value": "double", "title": "double", "count": 2}]
    assert counted["category"] == [{"value": "GPU_TRAIN", "title": "GPU_TRAIN", "count": 2}]
    assert counted["hub"] == []


def test_a_search_takes_few_queries_whatever_it_finds(machine, market, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        page = machine.get("offerings", q="price>=1 gpu_name in [double,single]", text="double", sort="sch").json()

    assert len(page["data"]) == 4
