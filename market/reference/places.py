"""Which of the eight national hubs a city belongs to."""

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


def hub_of(province: str, city: str) -> str | None:
    """Return the national hub of a city, or None where it belongs to none or we do not know."""
    return HUB_OF_PROVINCE.get(province) or HUB_OF_CITY.get((province, city))
