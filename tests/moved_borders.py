"""A second plan in force in which one grid, with its sub-grids, belongs to the neighbouring community."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_PLAN = """
    INSERT INTO plans (district, title, state, plan_version, frame, report, created_by, in_force)
    SELECT district, title, state, coalesce(plan_version, 0) + 1, frame, report, created_by, tstzrange(:now, NULL)
    FROM plans WHERE id = :old RETURNING id
"""
_GRID_COLUMNS = "level, name, kind, exclusive, area_m2, geom, households, buildings, parts_allowed"


def move_grid(session: Session, *, grid: str, to: str, now: datetime) -> int:
    """The id of the new plan, in force from `now`; `grid` (15 digits) gets the next free code of community `to`."""
    old = session.execute(
        text("SELECT id FROM plans WHERE in_force @> CAST(:now AS timestamptz) AND :grid LIKE district || '%'"),
        {"now": now, "grid": grid},
    ).scalar_one()
    session.execute(
        text("UPDATE plans SET in_force = tstzrange(lower(in_force), :now) WHERE id = :old"), {"now": now, "old": old}
    )
    new = session.execute(text(_PLAN), {"now": now, "old": old}).scalar_one()
    code = f"{to}{_next_sequence(session, old, to):03d}"
    _copy(session, old, new, grid, code, to)
    for table in ("hazards", "incidents"):
        session.execute(
            text(f"UPDATE {table} SET current_code = :code || substr(current_code, 16) WHERE current_code LIKE :grid"),
            {"code": code, "grid": f"{grid}%"},
        )
    return int(new)


def _next_sequence(session: Session, plan: int, community: str) -> int:
    last = session.execute(
        text("SELECT max(code) FROM grids WHERE plan_id = :plan AND level = 'grid' AND parent_code = :community"),
        {"plan": plan, "community": community},
    ).scalar_one()
    return int(last[12:15]) + 1


def _copy(session: Session, old: int, new: int, grid: str, code: str, to: str) -> None:
    about = {"old": old, "new": new, "grid": grid, "under": f"{grid}%", "code": code, "to": to, "from": grid[:12]}
    session.execute(
        text(
            "INSERT INTO plan_areas (plan_id, code, level, name, parent_code, geom) SELECT :new, a.code, a.level, "
            "a.name, a.parent_code, CASE a.code "
            "WHEN :to THEN ST_Multi(ST_Union(a.geom, g.geom)) "
            "WHEN :from THEN ST_Multi(ST_Difference(a.geom, g.geom)) ELSE a.geom END "
            "FROM plan_areas a CROSS JOIN (SELECT geom FROM grids WHERE plan_id = :old AND code = :grid) g "
            "WHERE a.plan_id = :old"
        ),
        about,
    )
    moved = "code LIKE :under"
    session.execute(
        text(
            f"INSERT INTO grids (plan_id, code, parent_code, {_GRID_COLUMNS}) SELECT :new, "
            f"CASE WHEN {moved} THEN :code || substr(code, 16) ELSE code END, "
            f"CASE WHEN code = :grid THEN :to WHEN {moved} THEN :code ELSE parent_code END, {_GRID_COLUMNS} "
            "FROM grids WHERE plan_id = :old"
        ),
        about,
    )
