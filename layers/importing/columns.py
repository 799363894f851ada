"""Which column of a file is which field of a layer: as the person says, else by the names of the table below.

Names are compared without case. The first name that the file has wins; `--map column=field` goes before everything.
The names are those of OpenStreetMap extracts, statistical codes, NYC open data and Chinese offices' tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layers.errors import Unacceptable
from layers.files import Table

ID = ("external_id", "id", "osm_id", "incident_id", "unique_key", "src_index", "gid", "objectid", "编号")
NAME = ("name", "名称", "name_zh", "name:zh", "label")
OPENED = ("created_at", "created_date", "occurred_at", "发生时间")
CLOSED = ("closed_at", "closed_date", "办结时间")
WORDS = ("description", "descriptor", "complaint_details", "内容", "描述")
CATEGORY = ("category", "complaint_type", "problem", "类别")

FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "areas": {
        "code": ("code", "adcode", "代码"),
        "name": NAME,
        "level": ("level", "级别"),
        "parent_code": ("parent_code", "parent", "上级代码"),
        "kind": ("kind", "类型"),
        "households_target": ("households_target", "每网格户数"),
        "duty_phone": ("duty_phone", "phone", "值班电话"),
        "centre_name": ("centre_name", "center_name", "中心名称"),
    },
    "grids": {
        "code": (
            "code", "grid_code", "township_code", "boro_cd", "precinct", "elect_dist", "boroct2010", "VTDST20",
            "网格编码", "网格编号", "网格代码", "网格号", "网格编", "编码", "id", "external_id", "handle", "name",
        ),
        "name": ("name", "grid_name", "township", "网格名称", "网格名", "名称"),
        "parent_code": (
            "parent_code", "parent", "community_code", "社区编码", "社区代码", "社区编", "community", "社区",
            "所属社区", "社区名称",
        ),
        "level": ("level",),
        "kind": ("kind", "grid_kind", "网格类型"),
        "exclusive": ("exclusive",),
        "group_name": ("group_name", "group"),
        "district": ("district", "district_code", "county_code", "区县代码"),
        "district_name": ("district_name", "county", "区县"),
    },
    "buildings": {
        "external_id": ID,
        "name": NAME,
        "address": ("address", "地址"),
        "street": ("street", "addr_street", "addr:street"),
        "housenumber": ("housenumber", "addr_housenumber", "addr:housenumber", "门牌"),
        "kind": ("kind", "building", "用途"),
        "floors": ("floors", "levels", "building:levels", "层数"),
        "height_m": ("height_m", "height", "height_class_m", "高度"),
        "households": ("households", "户数"),
        "stairwells": ("stairwells", "units", "单元数"),
        "grid_override": ("grid_override",),
    },
    "compounds": {"external_id": ID, "name": NAME, "kind": ("kind", "类型")},
    "roads": {
        "external_id": ID,
        "name": NAME,
        "road_class": ("road_class", "fclass", "highway", "kind_detail", "class", "kind", "道路等级"),
    },
    "water": {"external_id": ID, "name": NAME, "kind": ("kind", "fclass", "natural", "类型")},
    "hazards": {
        "external_id": ID,
        "category": CATEGORY,
        "description": WORDS,
        "found_at": ("found_at", "发现时间", *OPENED),
        "rectified_at": ("rectified_at", "整改时间", *CLOSED),
        "severity": ("severity", "等级"),
        "state": ("state", "status", "状态"),
    },
    "incidents": {
        "external_id": ID,
        "category": CATEGORY,
        "description": WORDS,
        "occurred_at": ("occurred_at", "发生时间", *OPENED),
        "reported_at": ("reported_at", "上报时间", *OPENED),
        "closed_at": CLOSED,
        "channel": ("channel", "open_data_channel_type", "来源"),
        "urgency": ("urgency", "紧急程度"),
        "state": ("state", "status", "状态"),
    },
    "households": {
        "building": ("building", "building_id", "楼栋编号"),
        "unit": ("unit", "单元"),
        "room": ("room", "房号"),
        "classes": ("classes", "class", "类别"),
        "members": ("members", "人数"),
    },
    "devices": {
        "serial": ("serial", "sn", "device_id", "设备编号"),
        "kind": ("kind", "type", "设备类型"),
        "state": ("state", "status", "状态"),
        "building": ("building", "building_id", "楼栋编号"),
        "checked_at": ("checked_at", "检查时间"),
    },
    "workers": {
        "number": ("number", "staff_number", "worker", "工号"),
        "name": ("name", "姓名"),
        "role": ("role", "岗位"),
        "area": ("area", "area_code", "区域代码"),
        "phone": ("phone", "手机", "电话"),
        "unit_code": ("unit_code", "unit", "部门"),
        "grid": ("grid", "grid_code", "网格编码"),
    },
    "shifts": {
        "worker": ("worker", "number", "staff_number", "工号"),
        "start": ("start", "starts_at", "from", "上岗"),
        "end": ("end", "ends_at", "to", "下岗"),
    },
}  # fmt: skip
LAYERS = tuple(FIELDS)
# What planners draw on; people, cases and areas are an administrator's.
OF_PLANNERS = ("grids", "buildings", "compounds", "roads", "water", "hazards")
# Fields of digits and letters that name something: they never pass through floating point ([C6]).
CODES = frozenset({
    "code", "parent_code", "district", "external_id", "number", "area", "unit_code", "grid", "worker", "building",
    "serial", "phone", "duty_phone", "grid_override",
})  # fmt: skip
# What says where a row is; files.read asks for it by these names.
POSITION_FIELDS = ("lon", "lat", "geometry")


@dataclass(frozen=True)
class Columns:
    """The fields of a table's rows; `names` says which column each field comes from."""

    table: Table
    names: Mapping[str, str]

    def text(self, field: str, row: int) -> str | None:
        """The text of a field in a row (from 1); None where the file has no such column or the cell is empty."""
        name = self.names.get(field)
        return None if name is None else self.table.columns[name][row - 1]

    def __contains__(self, field: str) -> bool:
        return field in self.names


def choose_columns(layer: str, table: Table, mapping: Mapping[str, str]) -> Columns:
    """The columns of a table for the fields of a layer; raises Unacceptable for a column or field that is not there."""
    fields = FIELDS[layer]
    asked = _asked(fields, table, mapping)
    return Columns(table, guess_columns(layer, table.names) | asked)


def guess_columns(layer: str, names: Sequence[str]) -> dict[str, str]:
    """Field → the column that an import would take for it where nobody says anything; fields without one are absent."""
    by_lower = {name.lower(): name for name in reversed(names)}
    found = {field: _first(known, by_lower) for field, known in FIELDS[layer].items()}
    return {field: name for field, name in found.items() if name is not None}


def _asked(fields: Mapping[str, Sequence[str]], table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for column, field in mapping.items():
        if field in POSITION_FIELDS:
            continue
        if field not in fields:
            raise Unacceptable("no_such_field", field=field, fields=", ".join([*fields, *POSITION_FIELDS]))
        if column not in table.columns:
            raise Unacceptable("file_has_no_such_column", column=column, columns=", ".join(table.names))
        asked[field] = column
    return asked


def _first(names: Sequence[str], by_lower: Mapping[str, str]) -> str | None:
    return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)
