"""The real units of the demo district, as facts: codes and names of its streets, communities and villages.

Source: the national statistical division codes (统计用区划代码). Everything else in the demo is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

DISTRICT_CODE = "130273"
DISTRICT_NAME = "唐山高新技术产业开发区"
RESIDENTS, VILLAGERS = "居民委员会", "村民委员会"


@dataclass(frozen=True)
class DemoPlace:
    """One community or village with the subdistrict above it; `kind` is town or village."""

    code: str
    name: str
    subdistrict: str
    kind: str


SUBDISTRICTS = {
    "130273001": "街道",
    "130273101": "老庄子镇",
    "130273401": "庆北办事处",
    "130273402": "三女河办事处",
}

# subdistrict: names after their last three digits; 居 and 村 stand for the two kinds of committee
_UNITS = {
    "130273001": """
        013居惠安楼社区 014居银隆社区 015居龙泽源社区 016居吉庆里社区 017居龙泉西里社区 018居龙悦新居社区
        019居东方花苑社区 020居都市花园社区 021居新景楼社区 022居益民园社区 023居世纪龙庭第一社区
        024居金色河畔社区 025居龙王庙 026居富庄 027居许鄄子 028居付家屯 029居马家屯 030居王鄄子 031居星河湾社区
        032居枫叶园社区 033居文昌园社区 034居世纪龙庭第二社区 035居荣馨园社区 036居世纪龙庭第三社区
        037居枫叶园第二社区 202村新城子 208村瓦官庄 209村孙家庄
    """,
    "130273101": """
        201村老庄子 202村南王庄村 203村七王庄村 204村周凤庄 205村沙雾庄 206村陈家庄 207村魏庄子 208村新村
        209村李官屯 210村大树韩庄子 211村小城子 212村瓦房庄 213村夏屋 214村党家庄 215村杨信庄 216村前冯各庄
        217村后冯各庄
    """,
    "130273401": """
        001居园丁楼 002居河北楼 003居迎新楼 201村郑庄子 202村梁各庄 203村三益庄 204村刘家洼 205村前白寺口
        206村中白寺口 207村北白寺口 208村田庄 209村李各庄 210村宋各庄 211村詹官屯
    """,
    "130273402": """
        201村毛家坨一村 202村毛家坨二村 203村毛家坨三村 204村毛家坨四村 205村崔家屯 206村安家庄 207村范家坨
        208村白树庄 209村姚家庄 210村三女河 211村方子里 212村韩家街 213村邵家街 214村黄花港 215村高庄子
    """,
}


def list_places() -> tuple[DemoPlace, ...]:
    """The 74 communities and villages in the order of their codes."""
    return tuple(
        DemoPlace(
            subdistrict + word[:3], word[4:] + (VILLAGERS if word[3] == "村" else RESIDENTS), subdistrict, _kind(word)
        )
        for subdistrict, words in _UNITS.items()
        for word in words.split()
    )


def _kind(word: str) -> str:
    return "village" if word[3] == "村" else "town"


def short_name(name: str) -> str:
    """The name as people say it: without the word for committee (荣馨园社区居民委员会 is 荣馨园社区)."""
    for committee in (RESIDENTS, VILLAGERS):
        name = name.removesuffix(committee)
    return name
