"""What is known of offerings as levels, and homes as places."""

from market.matching.terms import Attribute, levels
from market.models import Offering, OrderConditions, Site
from market.services.conditions import Regions

NANJING = Offering(site=Site(province="江苏省", city="南京市"))


def near(city: str, province: str = "江苏省") -> OrderConditions:
    return OrderConditions(ring_max=0, home_province=province, home_city=city)


def test_homes_that_are_as_far_from_every_site_count_as_one():
    homes = [near(f"city {number}") for number in range(100)]

    regions = Regions([NANJING], homes)

    assert len({regions.home(one) for one in homes}) == 1
    assert len(regions.rings) == 3


def test_a_home_is_as_far_from_a_site_as_the_map_says():
    homes = [near("南京市"), near("苏州市"), near("深圳市", "广东省"), near("汕头市", "广东省")]

    regions = Regions([NANJING], homes)

    far = [regions.rings[regions.home(one)][regions.region(NANJING)] for one in homes]
    assert far == [0, 1, 2, 2**31 - 1]


def test_a_level_beyond_what_anybody_may_ask_for_counts_as_the_highest():
    assert levels(memory=2**40)[Attribute.MEMORY] == 2**31 - 1
