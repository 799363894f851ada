"""A month counted: how many cases of each resident-derived category in each community, under one plan.

Where community borders have changed since the last release, cases are counted on the pieces of ground that both
borders make, so that the audit can set one release against the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select, true
from sqlalchemy.orm import Session, aliased

from layers.categories import Category
from layers.grids import Grid
from layers.hazards import Hazard
from layers.incidents import Incident, is_whole
from layers.plans import Plan, PlanArea, is_in_force_at

# Of every case: the community that it lies in now, and the one under the last release's borders.
Piece = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CountedGround:
    """The communities of a plan, what lies above each, and a digest of their borders."""

    plan_id: int
    communities: tuple[str, ...]
    parents: Mapping[str, str]
    levels: Mapping[str, str]
    borders: str


def read_ground(session: Session, plan: Plan) -> CountedGround:
    """The communities of a plan as it keeps them; one statement for the areas, one for the grids beneath."""
    areas = session.execute(
        select(PlanArea.code, PlanArea.level, PlanArea.parent_code, PlanArea.geom.ST_AsBinary().label("wkb")).where(
            PlanArea.plan_id == plan.id
        )
    ).all()
    held = session.execute(
        select(Grid.parent_code, func.string_agg(Grid.code, ","))
        .where(Grid.plan_id == plan.id, Grid.level == "grid")
        .group_by(Grid.parent_code)
    ).all()
    # A plan keeps its district as the frame, not among its areas.
    levels = {row.code: row.level for row in areas} | {plan.district: "district"}
    digest = hashlib.sha256()
    for row in sorted(areas, key=lambda row: row.code):
        digest.update(f"{row.code}|{row.parent_code}|".encode() + bytes(row.wkb or b""))
    communities = sorted(
        {code for code, _ in held if levels.get(code) == "community"} | _select_level(levels, "community")
    )
    parents = {row.code: row.parent_code for row in areas if row.parent_code}
    return CountedGround(plan.id, tuple(communities), parents, levels, digest.hexdigest())


def _select_level(levels: Mapping[str, str], level: str) -> set[str]:
    return {code for code, told in levels.items() if told == level}


def list_categories(session: Session, layer: str) -> list[str]:
    """The categories of a layer that derive from residents, by code."""
    kind = "hazard" if layer == "hazards" else "incident"
    wanted = select(Category.code).where(Category.resident_derived, Category.kind.in_((kind, "both")))
    return list(session.scalars(wanted.order_by(Category.code)))


def count_pieces(
    session: Session, layer: str, span: tuple[datetime, datetime], *, ground: CountedGround, before: int | None
) -> Counter[tuple[Piece, str]]:
    """How many cases of each category lie on each piece of ground; `before` is the plan of the last release where its
    borders were others. Cases in no community are in no cell."""
    table: Any = Hazard if layer == "hazards" else Incident
    moment = table.found_at if layer == "hazards" else table.reported_at
    community = _community_of(table, ground.plan_id)
    older = _community_by_place(table, before) if before is not None else community
    rows = session.execute(
        select(community.label("now"), older.label("before"), table.category, func.count())
        .join(Category, and_(Category.code == table.category, Category.resident_derived))
        .where(true() if layer == "hazards" else is_whole())
        .where(moment >= span[0], moment < span[1], func.starts_with(table.district, _district_of(session, ground)))
        .group_by("now", "before", table.category)
    ).all()
    counted: Counter[tuple[Piece, str]] = Counter()
    for now, earlier, category, n in rows:
        if now is not None:
            counted[((now, earlier or ""), category)] += n
    return counted


def _district_of(session: Session, ground: CountedGround) -> str:
    return session.scalars(select(Plan.district).where(Plan.id == ground.plan_id)).one()


def _community_of(table: Any, plan_id: int) -> Any:
    """The community of a case's present code, through its grid."""
    finest, upper = aliased(Grid), aliased(Grid)
    return (
        select(func.coalesce(upper.parent_code, finest.parent_code))
        .select_from(finest)
        .outerjoin(upper, and_(upper.plan_id == plan_id, upper.code == finest.parent_code, upper.level == "grid"))
        .where(finest.plan_id == plan_id, finest.code == table.current_code)
        .scalar_subquery()
    )


def _community_by_place(table: Any, plan_id: int) -> Any:
    """The community that held the place under another plan; of two that touch it the smallest code."""
    return (
        select(func.min(PlanArea.code))
        .where(PlanArea.plan_id == plan_id, PlanArea.level == "community", func.ST_Covers(PlanArea.geom, table.geom))
        .scalar_subquery()
    )


def find_first_month(session: Session, layer: str, district: str, zone: ZoneInfo) -> date | None:
    """The month of the oldest resident-derived case of a district, None where there is none."""
    table: Any = Hazard if layer == "hazards" else Incident
    moment = table.found_at if layer == "hazards" else table.reported_at
    oldest = session.scalar(
        select(func.min(moment))
        .join(Category, and_(Category.code == table.category, Category.resident_derived))
        .where(table.district == district)
    )
    return None if oldest is None else oldest.astimezone(zone).date().replace(day=1)


def districts_in_force(session: Session, now: datetime) -> list[Plan]:
    """The plan in force of every district."""
    return list(session.scalars(select(Plan).where(is_in_force_at(now)).order_by(Plan.district)))
