"""The categories, departments and clocks that a new city starts with; everything here can be changed afterwards."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.categories.table import Category, CategoryClock
from layers.units import Unit

UNITS = (
    ("fire_rescue", "消防救援大队", "Fire and rescue"),
    ("police", "公安分局", "Police"),
    ("health", "卫生健康局", "Health"),
    ("justice", "司法局", "Justice"),
    ("civil_affairs", "民政局", "Civil affairs"),
    ("urban_management", "城市管理局", "Urban management"),
    ("housing", "住房和城乡建设局", "Housing and construction"),
    ("water", "水务局", "Water"),
    ("emergency", "应急管理局", "Emergency management"),
    ("grid_centre", "网格中心", "Grid centre"),
)


class _Row(NamedTuple):
    code: str
    name: str
    name_en: str
    unit: str
    urgency: str
    pace: str
    kind: str = "both"
    resident_derived: bool = False


CATEGORIES = (
    _Row("fire", "火情", "Fire", "fire_rescue", "critical", "at_once"),
    _Row("medical", "突发疾病", "Medical emergency", "health", "critical", "at_once", "incident"),
    _Row("lost_person", "人员走失", "Lost person", "police", "high", "at_once", "incident"),
    _Row("dispute", "矛盾纠纷", "Dispute", "justice", "normal", "day"),
    _Row("public_order", "治安事件", "Public order", "police", "high", "at_once"),
    _Row("facility", "设施损坏", "Damaged facility", "housing", "normal", "day"),
    _Row("water_leak", "跑水漏水", "Water leak", "water", "high", "hours"),
    _Row("sanitation", "环境卫生", "Sanitation", "urban_management", "normal", "day"),
    _Row("street_vending", "占道经营", "Street vending", "urban_management", "low", "day"),
    _Row("parking", "违规停车", "Parking", "urban_management", "low", "day"),
    _Row("safety_hazard", "安全隐患", "Safety hazard", "emergency", "high", "hours"),
    _Row("resident_service", "便民服务", "Resident service", "grid_centre", "normal", "day", "incident"),
    _Row("elder_care", "助老服务", "Elder care", "civil_affairs", "normal", "hours", "both", True),
    _Row("other", "其他", "Other", "grid_centre", "normal", "day"),
)

STEPS = ("triage", "dispatch", "accept", "arrive", "handle", "verify", "feed_back", "close", "confirm")
# Minutes per step, day and night: usual promises of city hotlines (answer in minutes, be there within the quarter of an
# hour or the half, settle within two hours, a working day or three). Every city sets its own.
PACES = {
    "at_once": (2, 2, 3, 15, 120, 60, 60, 240, 15),
    "hours": (5, 5, 10, 30, 480, 240, 240, 1440, 30),
    "day": (15, 15, 30, 120, 1440, 1440, 1440, 2880, 120),
}
# A case that was handed up is a hard one: the higher desk gets more time for everything but taking it up.
LEVEL_FACTORS = {"grid": 1, "subdistrict": 2, "district": 3}


def ensure_defaults(session: Session) -> int:
    """The number of rows added; what is there already stays as somebody may have set it."""
    return (
        _add(session, Unit, [{"code": code, "name": name, "name_en": en} for code, name, en in UNITS])
        + _add(session, Category, [_category(row, place) for place, row in enumerate(CATEGORIES)])
        + _add(session, CategoryClock, [clock for row in CATEGORIES for clock in _clocks(row)])
    )


def _add(session: Session, table: type[Unit | Category | CategoryClock], rows: list[dict[str, object]]) -> int:
    # The rows as parameters: written into the statement, it would be compiled anew for a quarter of a second each time.
    added = session.execute(insert(table).on_conflict_do_nothing().returning(literal(1)), rows)
    return len(added.all())


def _category(row: _Row, place: int) -> dict[str, object]:
    return {
        "code": row.code,
        "name": row.name,
        "name_en": row.name_en,
        "kind": row.kind,
        "unit_code": row.unit,
        "urgency": row.urgency,
        "resident_derived": row.resident_derived,
        "position": place,
    }


def _clocks(row: _Row) -> list[dict[str, object]]:
    return [
        {"category": row.code, "level": level, "step": step, "amount": minutes * factor / 60, "kind": "urgent_hours"}
        for level, factor in LEVEL_FACTORS.items()
        for step, minutes in zip(STEPS, PACES[row.pace], strict=True)
    ]
