"""Names of the demo town's roads, compounds, parks and people: put together from syllables, invented on purpose."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry import LineString

from migrations.demo.places import short_name

RIVER = "清溪河"
PARKS = (
    "和园", "春晖", "听松", "望岚", "晴川", "拾光", "云栖", "竹里", "梅影", "半亩", "青禾", "星野", "知鱼",
    "南风", "流萤", "石桥", "鹿鸣", "采薇", "澄心", "雁栖", "榆荫", "归云", "枕溪", "朝露", "远岫", "汀兰",
)  # fmt: skip
_FIRST = "春锦瑞景云清明文康裕祥和晨朝星月松竹梅兰荷桂枫柏"
_SECOND = "华泰安宁源泽晖阳岚川原溪林野桥亭舟帆"
_SURNAMES = "云禾岚溪松竹梅舟石星晴川霜荷枫柏榆兰芷苇汀岑峦鹭"
_GIVEN_1 = "知望听问归采拾枕闻行逐寻怀忆若如向临倚照映携揽"
_GIVEN_2 = "秋春晓雪雨露霞霁澜泉川野芽叶果穗羽石沙砚墨笛帆灯"


def road_names(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct two-syllable stems for roads, without the word for road."""
    stems = [a + b for a in _FIRST for b in _SECOND]
    return [stems[int(i)] for i in rng.permutation(len(stems))[:count]]


def road_name(stem: str, line: LineString, *, road_class: str) -> str:
    """The stem with the word of the trade: 道 runs east-west, 路 north-south, 街 and 巷 are small."""
    (x0, y0), (x1, y1) = line.coords[0], line.coords[-1]
    flat = abs(math.atan2(y1 - y0, x1 - x0)) % math.pi
    east_west = flat < math.pi / 4 or flat > 3 * math.pi / 4
    if road_class == "residential":
        return stem + ("街" if east_west else "巷")
    return stem + ("道" if east_west else "路")


def people_names(rng: np.random.Generator) -> Iterator[str]:
    """Invented three-syllable names, none twice in the first 13,000."""
    total = len(_SURNAMES) * len(_GIVEN_1) * len(_GIVEN_2)
    for number in rng.permutation(total):
        rest, last = divmod(int(number), len(_GIVEN_2))
        first, middle = divmod(rest, len(_GIVEN_1))
        yield _SURNAMES[first] + _GIVEN_1[middle] + _GIVEN_2[last]


def estate_name(community: str, number: int, *, of: int) -> str:
    """The name of a community's compound: 荣馨园社区 has 荣馨园一区, 荣馨园二区 …; a single one has no number."""
    stem = short_name(community).removesuffix("社区").removesuffix("村")
    return stem if of == 1 else f"{stem}{'一二三四五六七八九'[number]}区"


def reading_order(polygons: list[shapely.Polygon], band_m: float) -> list[int]:
    """The numbers of the polygons from north to south in bands, west to east within a band."""
    middles = shapely.get_coordinates(shapely.centroid(np.array(polygons, dtype=object)))
    band = np.floor((middles[:, 1].max() - middles[:, 1]) / band_m)
    return [int(i) for i in np.lexsort((middles[:, 0], band))]
