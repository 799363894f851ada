"""One row of each layer that can be imported, lying in the small city: by it every door is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry

from tests.small_city import SmallCity

REACH_DEG = 1e-5


@dataclass(frozen=True)
class Example:
    """A row: its kind of shape, its columns, the words that find it, and the layers of which it needs the rows."""

    shape: Literal["point", "line", "polygon", ""]
    columns: Mapping[str, Any]
    typed: str = ""
    needs: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def shape_at(self, lon: float, lat: float) -> BaseGeometry | None:
        """The shape at a place in degrees."""
        place = shapely.Point(lon, lat)
        line = shapely.LineString([(lon - REACH_DEG, lat), (lon + REACH_DEG, lat)])
        area = place.buffer(REACH_DEG, quad_segs=1)
        return {"point": place, "line": line, "polygon": area, "": None}[self.shape]

    def columns_in(self, city: SmallCity) -> dict[str, list[Any]]:
        """The columns with `{grid}` and `{worker}` put in."""
        code = min(city.codes)
        known = {"grid": code[:15], "worker": city.worker_of[code], "district": city.district}
        return {
            name: [value.format(**known) if isinstance(value, str) else value] for name, value in self.columns.items()
        }


MOMENT = "2026-03-02T08:00:00+08:00"
EXAMPLES: Mapping[str, Example] = {
    "areas": Example(
        "", {"code": "{district}001", "name": "改名街道", "level": "subdistrict", "parent": "{district}"}, "改名街道"
    ),
    "grids": Example("polygon", {"code": "7", "name": "新网格"}, options={"frame": "union"}),
    "buildings": Example("polygon", {"id": "1", "name": "例楼", "address": "例子路1号", "户数": 7}, "例楼"),
    "compounds": Example("polygon", {"id": "1", "name": "例子小区"}, "例子小区"),
    "components": Example(
        "point",
        {"部件编码": "{district}0100300042", "部件名称": "雨水井盖", "定位精度": "A", "主管部门": "城市管理局"},
        "雨水井",
    ),
    "roads": Example("line", {"id": "1", "name": "例子路", "highway": "primary"}),
    "water": Example("polygon", {"id": "1", "name": "例子河", "kind": "river"}),
    "hazards": Example(
        "point",
        {"id": "1", "类别": "facility", "发现时间": MOMENT, "component_code": "{district}0100300042"},
        needs=("components",),
    ),
    "incidents": Example("point", {"id": "1", "类别": "facility", "发生时间": MOMENT}),
    "households": Example("", {"building": "1", "room": "101", "classes": "tenant"}, needs=("buildings",)),
    "devices": Example("point", {"serial": "S1", "kind": "sos"}),
    "workers": Example("", {"number": "X1", "name": "例员", "area": "{district}", "grid": "{grid}"}),
    "shifts": Example("", {"worker": "{worker}", "start": MOMENT, "end": "2026-03-02T16:00:00+08:00"}),
}
