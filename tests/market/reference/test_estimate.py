"""Cards are published capacity divided by card performance, or there is a reason why not."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from market.reference import CardEstimate, Precision, Skipped, SkipReason, Status, cards, centres, estimates, hub_of


def centre(name):
    return next(fact for fact in centres() if fact.name == name)


def test_half_precision_capacity_is_divided_by_the_half_precision_peak():
    assert cards(centre("成都人工智能计算中心")) == CardEstimate(
        "huawei-ascend-910b", 797, Decimal(300), Decimal(376), Precision.FP16
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("南京鲲鹏·昇腾人工智能计算中心", ("huawei-ascend-910", 1250)),
        ("横琴人工智能超算中心", ("huawei-ascend-910", 1781)),
        ("南京智能计算中心", ("cambricon-mlu370-x4", 3125)),
    ],
)
def test_integer_operations_are_divided_by_the_int8_peak(name, expected):
    estimate = cards(centre(name))

    assert (estimate.accelerator, estimate.cards) == expected
    assert estimate.precision is Precision.OPS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("大连人工智能计算中心", SkipReason.NOT_BUILT),
        ("腾讯长三角人工智能超算中心", SkipReason.NOT_BUILT),
        ("济南人工智能计算中心", SkipReason.NO_CAPACITY),
        ("万达开先进计算中心", SkipReason.NO_CAPACITY),
        ("商汤人工智能计算中心（AIDC）", SkipReason.NO_PRECISION),
        ("阿里云张北超级智算中心", SkipReason.CARD_UNKNOWN),
        ("哈尔滨人工智能先进计算中心", SkipReason.CARD_UNKNOWN),
        ("长沙5A级智算中心", SkipReason.CARDS_MIXED),
    ],
)
def test_a_centre_that_cannot_be_counted_says_why(name, reason):
    assert cards(centre(name)) == Skipped(reason)


def test_a_card_without_a_published_peak_cannot_be_counted():
    fact = replace(centre("万达开先进计算中心"), capacity_pflops=Decimal(100), precision=Precision.FP16)

    assert cards(fact) == Skipped(SkipReason.NO_PEAK)
    assert cards(replace(fact, precision=Precision.MIXED)) == Skipped(SkipReason.NO_PRECISION)


def test_every_centre_is_counted_or_skipped():
    found = estimates()

    counted = [answer for _, answer in found if isinstance(answer, CardEstimate)]
    skipped = Counter(answer.reason for _, answer in found if isinstance(answer, Skipped))
    assert (len(found), len(counted), sum(answer.cards for answer in counted)) == (47, 17, 12_206)
    assert skipped == {
        SkipReason.NOT_BUILT: 16,
        SkipReason.NO_CAPACITY: 5,
        SkipReason.NO_PRECISION: 1,
        SkipReason.CARD_UNKNOWN: 7,
        SkipReason.CARDS_MIXED: 1,
    }
    assert all(fact.status is Status.OPERATING for fact, answer in found if answer in counted)


@pytest.mark.parametrize(
    ("province", "city", "hub"),
    [
        ("河北省", "张家口市", "京津冀"),
        ("上海市", "上海市", "长三角"),
        ("广东省", "韶关市", "粤港澳大湾区"),
        ("广东省", "汕头市", None),
        ("四川省", "成都市", "成渝"),
        ("四川省", "甘孜州", None),
        ("甘肃省", "庆阳市", "甘肃"),
        ("湖北省", "武汉市", None),
    ],
)
def test_a_city_belongs_to_the_hub_of_its_province_or_to_its_own(province, city, hub):
    assert hub_of(province, city) == hub
