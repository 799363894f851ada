"""Areas: districts, subdistricts and communities, with their official boundaries and the city's CRS.

Written by imports and by admins only. A district names the metric CRS of its city ([S1]); a community may lack a
boundary of its own (then its grids define it).
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, exists, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import WGS84, Base, code_column, geometry_column, now_column
from layers.errors import NotFound
from layers.specs import NAME, Code, Field, Imported, LayerSpec, Published, Tile
from tiling.plane import city_epsg


class AreaLevel(enum.StrEnum):
    """The levels above a grid, from the top down."""

    district = "district"
    subdistrict = "subdistrict"
    community = "community"


class AreaKind(enum.StrEnum):
    """What a community is like; it sets the default number of households per grid ([S9])."""

    town = "town"
    village = "village"
    mixed = "mixed"


class Area(Base):
    """One district, subdistrict or community."""

    __tablename__ = "areas"
    __table_args__ = (
        CheckConstraint("level IN ('district','subdistrict','community')", name="level"),
        CheckConstraint("(level = 'district') = (parent_code IS NULL)", name="only_districts_have_no_parent"),
        CheckConstraint("level <> 'district' OR crs_epsg IS NOT NULL", name="districts_name_their_crs"),
        CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name="geom_is_valid"),
    )

    code: Mapped[str] = code_column(primary_key=True)
    name: Mapped[str]
    level: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    kind: Mapped[str | None]
    crs_epsg: Mapped[int | None]
    households_target: Mapped[int | None]
    duty_phone: Mapped[str | None]
    centre_name: Mapped[str | None]
    geom: Mapped[Any | None] = geometry_column("MULTIPOLYGON", nullable=True)
    updated_at: Mapped[datetime] = now_column()


SPEC = LayerSpec(
    "areas",
    Area,
    imported=Imported(
        fields=(
            Field("code", ("code", "adcode", "代码"), Code()),
            Field("name", NAME),
            Field("level", ("level", "级别")),
            Field("parent_code", ("parent_code", "parent", "上级代码"), Code()),
            Field("kind", ("kind", "类型")),
            Field("households_target", ("households_target", "每网格户数")),
            Field("duty_phone", ("duty_phone", "phone", "值班电话"), Code()),
            Field("centre_name", ("centre_name", "center_name", "中心名称")),
        ),
    ),
    published=Published(
        "Districts, subdistricts and communities with their boundaries.",
        ("code", "name", "level", "parent_code", "kind"),
        scoped_by="code",
        key="code",
    ),
    tile=Tile(("code", "name", "level"), 4, scoped_by="code"),
)

# Districts of one city lie this close together (degrees, some 30 km); only foreign codes need the rule.
_SAME_CITY_DEG = 0.3
_DIGITS_OF_A_DISTRICT = 6
_DIGITS_OF_A_CITY = 4


def get_district(session: Session, code: str) -> Area:
    """The district of this code; raises NotFound."""
    area = session.get(Area, code)
    if area is None or area.level != AreaLevel.district:
        raise NotFound("no_such_district", district=code)
    return area


def has_districts(session: Session) -> bool:
    """Whether a district is stored."""
    return bool(session.scalar(select(exists().where(Area.level == "district"))))


def city_of(district: str) -> str:
    """What the districts of one city have in common: the first four digits of a statistical code, "" for others."""
    numbered = len(district) == _DIGITS_OF_A_DISTRICT and district.isascii() and district.isdigit()
    return district[:_DIGITS_OF_A_CITY] if numbered else ""


def choose_crs(session: Session, district: str, *, lon: float, lat: float) -> int:
    """The EPSG number of the metric CRS of a district's city; lon, lat is the middle of what is known of the city.

    One CRS per city ([S1]): that of the district itself or of a stored district of the same city (the same four digits;
    for foreign codes one that is near), else the zone of the position.
    """
    same = Area.code == district
    if city_of(district):
        same |= Area.code.startswith(city_of(district)) & (func.length(Area.code) == _DIGITS_OF_A_DISTRICT)
    else:
        point = func.ST_SetSRID(func.ST_MakePoint(lon, lat), WGS84)
        same |= func.ST_DWithin(Area.geom, point, _SAME_CITY_DEG)
    stored = select(Area.crs_epsg).where(Area.level == AreaLevel.district, same)
    found = session.scalar(stored.order_by((Area.code == district).desc(), Area.code).limit(1))
    return found if found is not None else city_epsg(lon, lat)


def find_crs_at(session: Session, *, lon: float, lat: float) -> int | None:
    """The EPSG number of the stored district (the smallest code) whose boundary covers the place, else None."""
    point = func.ST_SetSRID(func.ST_MakePoint(lon, lat), WGS84)
    covering = select(Area.crs_epsg).where(Area.level == AreaLevel.district, func.ST_Covers(Area.geom, point))
    return session.scalar(covering.order_by(Area.code).limit(1))
