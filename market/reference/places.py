"""Which of the eight national hubs a city belongs to, and how far two cities are from each other."""

from enum import IntEnum

Place = tuple[str, str]
"""A province and one of its cities."""


class Ring(IntEnum):
    """How far two cities are apart, by what 东数西算 wants of their networks: 1 ms, 5 ms, 20 ms, and no promise."""

    CITY = 0
    REGION = 1
    HUBS = 2
    FAR = 3


HUB_OF_PROVINCE = {
    "北京市": "京津冀",
    "天津市": "京津冀",
    "河北省": "京津冀",
    "上海市": "长三角",
    "江苏省": "长三角",
    "浙江省": "长三角",
    "安徽省": "长三角",
    "重庆市": "成渝",
    "内蒙古自治区": "内蒙古",
    "贵州省": "贵州",
    "甘肃省": "甘肃",
    "宁夏回族自治区": "宁夏",
}
"""Provinces that lie in a hub as a whole."""

HUB_OF_CITY = {
    ("广东省", "广州市"): "粤港澳大湾区",
    ("广东省", "深圳市"): "粤港澳大湾区",
    ("广东省", "珠海市"): "粤港澳大湾区",
    ("广东省", "佛山市"): "粤港澳大湾区",
    ("广东省", "惠州市"): "粤港澳大湾区",
    ("广东省", "东莞市"): "粤港澳大湾区",
    ("广东省", "中山市"): "粤港澳大湾区",
    ("广东省", "江门市"): "粤港澳大湾区",
    ("广东省", "肇庆市"): "粤港澳大湾区",
    ("广东省", "韶关市"): "粤港澳大湾区",
    ("四川省", "成都市"): "成渝",
    ("四川省", "达州市"): "成渝",
}
"""Cities of provinces that lie in a hub only in part: the nine of the Bay Area, 韶关集群, the 成渝 circle."""


PROVINCES = (
    *(
        "北京市",
        "天津市",
        "河北省",
        "山西省",
        "内蒙古自治区",
        "辽宁省",
        "吉林省",
        "黑龙江省",
        "上海市",
        "江苏省",
        "浙江省",
        "安徽省",
    ),
    *(
        "福建省",
        "江西省",
        "山东省",
        "河南省",
        "湖北省",
        "湖南省",
        "广东省",
        "广西壮族自治区",
        "海南省",
        "重庆市",
        "四川省",
        "贵州省",
    ),
    *("云南省", "西藏自治区", "陕西省", "甘肃省", "青海省", "宁夏回族自治区", "新疆维吾尔自治区"),
    *("香港特别行政区", "澳门特别行政区", "台湾省"),
)
"""The provinces as addresses name them."""


def ring(home: Place, place: Place) -> Ring:
    """Return how far a place is from home."""
    if home == place:
        return Ring.CITY
    hubs = hub_of(*home), hub_of(*place)
    if home[0] == place[0] or (hubs[0] is not None and hubs[0] == hubs[1]):
        return Ring.REGION
    return Ring.FAR if None in hubs else Ring.HUBS


def hub_of(province: str, city: str) -> str | None:
    """Return the national hub of a city, or None where it belongs to none or we do not know."""
    return HUB_OF_PROVINCE.get(province) or HUB_OF_CITY.get((province, city))
