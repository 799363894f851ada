"""Released rows read: whatever is asked, the answer is a row that was stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.areas import Area
from layers.errors import NotFound
from layers.plans import Plan, PlanArea
from layers.releases.table import Release, ReleaseRow

LEVELS = ("community", "subdistrict", "district")


@dataclass(frozen=True, slots=True)
class ReleaseAsked:
    """A layer, a month (its first day), a level, an area (a code prefix) and a category ("" is the total)."""

    layer: str
    month: date
    level: str
    area: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """One stored row; `n` is None where too few may be shown. `shape` in lon/lat degrees is that of its release."""

    area: str
    name: str
    n: int | None
    shape: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class ReleaseCard:
    """A release without its rows."""

    id: int
    layer: str
    district: str
    month: date
    released_at: datetime
    shown: int
    hidden: int
    narrowest: float | None
    categories: tuple[str, ...]


def list_releases(session: Session, *, layer: str | None = None, by: Actor) -> list[ReleaseCard]:
    """Every release that touches the reader's area, newest month first."""
    statement = (
        select(Release).where(_touches_area(by.area)).order_by(Release.month.desc(), Release.layer, Release.district)
    )
    if layer is not None:
        statement = statement.where(Release.layer == layer)
    found = session.scalars(statement).all()
    told: dict[int, list[str]] = {}
    rows = select(ReleaseRow.release_id, ReleaseRow.category).where(
        ReleaseRow.release_id.in_([release.id for release in found])
    )
    for release_id, category in session.execute(rows.distinct().order_by(ReleaseRow.category)):
        told.setdefault(release_id, []).append(category)
    return [_card(release, told.get(release.id, [])) for release in found]


def read_release(session: Session, asked: ReleaseAsked, *, by: Actor) -> tuple[list[ReleaseCard], list[ReleasedCell]]:
    """The rows of one level of a month within the reader's area, in the order of their codes, and their releases.

    Raises NotFound where this month was not released. Without a total (one category only) the category is the total.
    """
    cards = [
        card
        for card in list_releases(session, layer=asked.layer, by=by)
        if card.month == asked.month and (not asked.area or _touches(card.district, asked.area))
    ]
    if not cards:
        raise NotFound("not_released", layer=asked.layer, month=f"{asked.month:%Y-%m}")
    cells = [cell for card in cards for cell in _cells_of(session, card, asked, by)]
    return cards, sorted(cells, key=lambda cell: cell.area)


def _cells_of(session: Session, card: ReleaseCard, asked: ReleaseAsked, by: Actor) -> list[ReleasedCell]:
    category = asked.category
    if not category and len(card.categories) == 1:
        category = card.categories[0]
    shape = func.coalesce(PlanArea.geom, case((ReleaseRow.level == "district", Plan.frame)))
    rows = session.execute(
        select(
            ReleaseRow.area,
            func.coalesce(PlanArea.name, Area.name, ReleaseRow.area).label("name"),
            ReleaseRow.n,
            func.ST_AsBinary(shape).label("wkb"),
        )
        .join(Release, Release.id == ReleaseRow.release_id)
        .join(Plan, Plan.id == Release.plan_id)
        .outerjoin(PlanArea, (PlanArea.plan_id == Release.plan_id) & (PlanArea.code == ReleaseRow.area))
        .outerjoin(Area, Area.code == ReleaseRow.area)
        .where(
            ReleaseRow.release_id == card.id,
            ReleaseRow.level == asked.level,
            ReleaseRow.category == category,
            func.starts_with(ReleaseRow.area, by.area),
            func.starts_with(ReleaseRow.area, asked.area),
        )
    )
    return [
        ReleasedCell(row.area, row.name, row.n, None if row.wkb is None else shapely.from_wkb(bytes(row.wkb)))
        for row in rows
    ]


def _card(release: Release, categories: list[str]) -> ReleaseCard:
    audit = release.audit
    return ReleaseCard(
        release.id,
        release.layer,
        release.district,
        release.month,
        release.released_at,
        int(audit["shown"]),
        int(audit["hidden"]),
        audit["narrowest"],
        tuple(categories),
    )


def _touches_area(area: str) -> ColumnElement[bool]:
    return func.starts_with(Release.district, area) | func.starts_with(area, Release.district)


def _touches(district: str, area: str) -> bool:
    return district.startswith(area) or area.startswith(district)
