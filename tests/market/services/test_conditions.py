"""What is known of offerings as levels, and homes as places."""

import pytest

from market.matching.terms import Attribute, levels
from market.models import Offering, OrderConditions, Site
from market.reference.places import Ring
from market.services import conditions
from market.services.conditions import BadConditions, Conditions, Regions

NANJING = Offering(site=Site(province="江苏省", city="南京市"))


def near(city: str, province: str = "江苏省") -> OrderConditions:
    return OrderConditions(ring_max=0, home_province=province, home_city=city)


def test_homes_that_are_as_far_from_every_site_count_as_one():
    homes = [near(f"city {number}") for number in range(100)]

    regions = Regions([NANJING], homes)

    assert len({regions.home(one) for one in homes}) == 1
    assert len(regions.rings) == 3


def test_where_a_probe_has_measured_the_map_does_not_count():
    probed, plain = Offering(site=Site(province="江苏省", city="南京市")), NANJING
    cities = {"南京市": Ring.HUBS, "上海市": Ring.CITY, "拉萨市": Ring.REGION, "苏州市": Ring.FAR}
    measured = {(probed.site.pk, city): ring for city, ring in cities.items()}
    homes = [near("南京市"), near("上海市", "上海市"), near("拉萨市", "西藏自治区"), near("苏州市"), near("盐城市")]

    regions = Regions([probed, plain], homes, measured)

    far = [[regions.rings[regions.home(one)][regions.region(site)] for one in homes] for site in (probed, plain)]
    assert far == [[2, 0, 1, 2**31 - 1, 1], [0, 1, 2**31 - 1, 1, 1]]


def test_a_home_is_as_far_from_a_site_as_the_map_says():
    homes = [near("南京市"), near("苏州市"), near("深圳市", "广东省"), near("汕头市", "广东省")]

    regions = Regions([NANJING], homes)

    far = [regions.rings[regions.home(one)][regions.region(NANJING)] for one in homes]
    assert far == [0, 1, 2, 2**31 - 1]


def test_a_condition_beyond_what_there_can_be_is_refused_with_its_bounds():
    with pytest.raises(BadConditions) as refused:
        conditions.check(Conditions(pue_max_milli=999, green_min_bp=10_001, reliability_min_bp=0, memory_gib=1))

    assert set(refused.value.fields) == {"pue_max_milli", "green_min_bp", "reliability_min_bp"}


def test_a_level_beyond_what_anybody_may_ask_for_counts_as_the_highest():
    assert levels(memory=2**40)[Attribute.MEMORY] == 2**31 - 1
