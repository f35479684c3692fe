"""Searching the market: what is found, counted and sorted, and in how many queries."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.periods import date_of
from market import query
from market.models import Category, MeasureStatus, Offering
from market.selectors import facets, measures, search
from market.selectors.search import Wish
from market.services import catalogue, figures
from tests.market import scenes
from tests.market.scenes import AT
from tests.market.services.test_places import certify


@pytest.fixture
def market(db):
    """Five offerings of three providers, on published cards."""
    catalogue.load_reference()
    figures.refresh_measures(on=AT.date())
    cards = {card.code: card for card in scenes.Accelerator.objects.all()}
    north, south = scenes.provider("北京智算（演示）"), scenes.provider("深圳超算中心")
    beijing = scenes.site(north, name="亦庄中心", city="北京市", province="北京市", hub_name="京津冀")
    shenzhen = scenes.site(south, name="光明中心", city="深圳市", province="广东省", hub_name="粤港澳大湾区")
    guiyang = scenes.site(south, name="贵安一期", city="贵阳市", province="贵州省", hub_name="贵州")
    for name, owner, site, code, terms in [
        ("A100 训练池", north, beijing, "nvidia-a100-80gb-pcie", {"price_micro": 6_000_000, "count": 16}),
        ("H100 训练池", north, beijing, "nvidia-h100-sxm", {"price_micro": 12_000_000, "count": 8}),
        ("昇腾 训练池", south, shenzhen, "huawei-ascend-910b", {"price_micro": 5_000_000, "count": 64}),
        (
            "昇腾 推理池",
            south,
            guiyang,
            "huawei-ascend-910",
            {"price_micro": 3_500_000, "category": Category.GPU_INFER},
        ),
        ("科学计算", south, guiyang, "amd-mi100", {"price_micro": 4_000_000, "category": Category.HPC, "count": 4}),
    ]:
        scenes.listed(owner, cards[code], site=site, name=name, **terms)
    scenes.draft(north, cards["amd-mi100"], site=beijing, name="草稿")


def names(sort="price", **wish):
    rows = search.found(Offering.objects.listed(), Wish(**wish))
    return list(rows.order_by(*search.SORTS[sort]).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["昇腾 推理池", "科学计算", "昇腾 训练池", "A100 训练池", "H100 训练池"]),
        ("gpu_name=A100", ["A100 训练池"]),
        ("gpu_name=a100_80GB", ["A100 训练池"]),
        ("gpu_name=100", []),
        ("gpu_name=910", ["昇腾 推理池"]),
        ("gpu_name=910B", ["昇腾 训练池"]),
        ("gpu_name=昇腾", ["昇腾 推理池", "昇腾 训练池"]),
        ("gpu_name!=昇腾 category=train", ["A100 训练池", "H100 训练池"]),
        ("gpu_name in [A100, H100]", ["A100 训练池", "H100 训练池"]),
        ("gpu_name='.*'", []),
        ("vendor=nvidia num_gpus>=16", ["A100 训练池"]),
        ("price<6", ["昇腾 推理池", "科学计算", "昇腾 训练池"]),
        ("price<=6 price>4", ["昇腾 训练池", "A100 训练池"]),
        ("price in [3.5, 4]", ["昇腾 推理池", "科学计算"]),
        ("city in [北京,贵阳]", ["昇腾 推理池", "科学计算", "A100 训练池", "H100 训练池"]),
        ("city=贵阳市 province=贵州", ["昇腾 推理池", "科学计算"]),
        ("city!=贵阳", ["昇腾 训练池", "A100 训练池", "H100 训练池"]),
        ("hub=京津冀 domestic=false", ["A100 训练池", "H100 训练池"]),
        ("domestic=是", ["昇腾 推理池", "昇腾 训练池"]),
        ("domestic!=true", ["科学计算", "A100 训练池", "H100 训练池"]),
        ("provider='北京智算（演示）' site=亦庄中心", ["A100 训练池", "H100 训练池"]),
        ("gpu_ram>=80", ["A100 训练池", "H100 训练池"]),
        ("gpu_ram!=80", ["昇腾 推理池", "科学计算", "昇腾 训练池"]),
        ("category=hpc", ["科学计算"]),
        ("sch_price<6", ["H100 训练池"]),
        ("sch_price>=0", ["科学计算", "A100 训练池", "H100 训练池"]),
        ("start=2026-08-02", ["昇腾 推理池", "科学计算", "昇腾 训练池", "A100 训练池", "H100 训练池"]),
        ("start>2026-08-02", []),
        ("start>=2026-08-03", []),
        ("start<2026-08-02", []),
        ("start<=2026-08-02 start!=2026-08-01 price<4", ["昇腾 推理池"]),
        ("start in [2026-08-01, 2026-08-02] price<4", ["昇腾 推理池"]),
    ],
)
def test_a_query_finds_what_it_says(market, text, expected):
    assert names(query=text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("训练", ["昇腾 训练池", "A100 训练池", "H100 训练池"]),
        ("训练池 昇腾", ["昇腾 训练池"]),
        ("贵安", ["昇腾 推理池", "科学计算"]),
        ("深圳超算", ["昇腾 推理池", "科学计算", "昇腾 训练池"]),
        ("mi100", ["科学计算"]),
        ("华为", ["昇腾 推理池", "昇腾 训练池"]),
        ("%", []),
        ("_", []),
        ("没有", []),
    ],
)
def test_words_are_found_in_every_name(market, text, expected):
    assert names(text=text) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["昇腾 推理池", "科学计算", "昇腾 训练池", "A100 训练池", "H100 训练池"]),
        ("sch", ["H100 训练池", "A100 训练池", "科学计算", "昇腾 推理池", "昇腾 训练池"]),
        ("start", ["H100 训练池", "昇腾 推理池", "科学计算", "昇腾 训练池", "A100 训练池"]),
        ("reliability", ["A100 训练池", "H100 训练池", "昇腾 推理池", "科学计算", "昇腾 训练池"]),
    ],
)
def test_offerings_are_sorted(market, sort, expected):
    Offering.objects.filter(name="H100 训练池").update(opens_at=AT - timedelta(days=90), reliability_bp=9_850)
    Offering.objects.filter(name="A100 训练池").update(reliability_bp=10_000)

    assert names(sort) == expected


@pytest.mark.parametrize("query", ["reliability>=98.5", "reliability>98%", "reliability=98.50"])
def test_offerings_are_found_by_their_reliability(market, query):
    Offering.objects.filter(name="H100 训练池").update(reliability_bp=9_850)

    assert names(query=query) == ["H100 训练池"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pue<=1.25", ["昇腾 推理池", "科学计算"]),
        ("pue=1.25 green>=80", ["昇腾 推理池", "科学计算"]),
        ("green>80", []),
        ("pue<1.25", []),
        ("pue!=1.25 category=hpc", []),
        ("pue in [1.2, 1.25]", ["昇腾 推理池", "科学计算"]),
    ],
)
def test_offerings_are_found_by_what_certificates_say_of_their_site(market, query, found):
    site = Offering.objects.get(name="科学计算").site
    for kind, value, number in (("pue", 1_250, "1"), ("pue", 1_200, "2"), ("green", 8_000, "1"), ("green", 9_000, "2")):
        certify(site, kind, value, number=number)

    assert names(query=query, on=date_of(AT)) == found
    assert "科学计算" not in names(query="pue<=5 category=hpc", on=date(2027, 1, 1))


def test_the_database_and_the_rules_agree_on_the_price_per_standard_card_hour(market):
    rows = measures.with_measures(Offering.objects.listed().with_place())

    standings = {row.name: (row.sch_micro, measures.standing(row)) for row in rows}

    assert all(computed == standing.price_micro for computed, standing in standings.values())
    assert all(measures.standing(plain) == standings[plain.name][1] for plain in Offering.objects.listed())
    assert standings["A100 训练池"][0] == 6_000_000
    assert standings["H100 训练池"][0] == 5_362_918
    assert standings["昇腾 训练池"][1].status == MeasureStatus.NOT_COMPARABLE
    assert standings["昇腾 训练池"][1].missing == ("memory-bandwidth", "memory-capacity", "interconnect")


@pytest.mark.parametrize("wish", [{}, {"query": "price<6"}, {"text": "训练"}, {"city": "贵阳市"}, {"text": "没有"}])
def test_following_a_facet_finds_as_many_as_it_says(market, wish):
    counted = facets.count(search.counted(Offering.objects.listed(), Wish(**wish)))

    assert tuple(counted) == facets.FIELDS
    for field, entries in counted.items():
        for entry in entries:
            value = entry.value == "true" if field == "domestic" else entry.value
            assert (field, entry.value, len(names(**(wish | {field: value})))) == (field, entry.value, entry.count)
        assert sum(entry.count for entry in entries) == len(names(**wish))


def test_facets_name_models_and_begin_with_the_most_frequent(market):
    counted = facets.count(Offering.objects.listed())

    assert [(one.value, one.count) for one in counted["category"]] == [("GPU_TRAIN", 3), ("GPU_INFER", 1), ("HPC", 1)]
    assert ("nvidia-h100-sxm", "H100 SXM") in [(one.value, one.label) for one in counted["model"]]
    assert [(one.value, one.count) for one in counted["domestic"]] == [("false", 3), ("true", 2)]


def test_facets_are_counted_in_one_query_even_of_a_query_with_a_price_per_standard_card_hour(market):
    with CaptureQueriesContext(connection) as queries:
        counted = facets.count(search.counted(Offering.objects.listed(), Wish(query="sch_price<6")))

    assert [one.value for one in counted["model"]] == ["nvidia-h100-sxm"]
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("language", "text", "detail"),
    [
        ("en", "colour=red", "There is no field “colour”."),
        ("zh-hans", "colour=red", "没有“colour”这个字段"),
        ("zh-hans", "price<cheap", "“cheap”不是该字段需要的值：最多六位小数的元"),
        ("en", "price<", "There should be a value instead of “the end of the query”: yuan with at most six decimals."),
    ],
)
def test_a_wrong_query_is_refused_in_the_readers_language(language, text, detail):
    with translation.override(language), pytest.raises(search.BadQuery) as refusal:
        search.read(text)

    assert str(refusal.value.detail).startswith(detail)
    assert refusal.value.fields["q"] == refusal.value.detail


VALUES = st.sampled_from(
    ["3", "北京", "true", "train", "2026-10-01", "a100", "''", "[1,2]", "[北京, x]", "(", "%", "\\"]
)
CONDITIONS = st.builds("{}{}{}".format, st.sampled_from([*query.FIELDS]), st.sampled_from([*query.Operator]), VALUES)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.lists(CONDITIONS, max_size=4).map(" ".join), st.text(max_size=40)), words=st.text(max_size=20))
def test_whatever_is_typed_is_found_or_refused(market, text, words):
    refusals, rows = [], Offering.objects.none()
    try:
        rows = search.found(Offering.objects.listed(), Wish(query=text, text=words.replace("\x00", "")))
    except search.BadQuery as refusal:
        refusals.append(refusal)

    assert refusals or len(rows) <= 5
