"""Plans and their grids as the API tells them: JSON made from stored rows, shapes with all nine decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor
from layers.areas import Area
from layers.db import WGS84
from layers.grids import Grid, GridLevel
from layers.planning.state.board import COLUMNS, GridRow, HouseholdTarget, objects
from layers.planning.state.loading import Stored, load_targets, read_area_names
from layers.plans import Plan, PlanEdit, PlanState, find_latest, get_plan

# What turns a plan as a whole, under the names that the history gives it.
TURNS = ("rebase", "submit", "withdraw", "return", "publish", "archive")
Box = tuple[float, float, float, float]


def list_features(
    session: Session, plan_id: int, *, by: Actor, box: Box | None = None, level: GridLevel | None = None
) -> list[str]:
    """The grids of a plan within the actor's area as GeoJSON Features, one JSON text each, by code.

    With a box in degrees those that reach into it. 3,000 grids of 75 vertices take about 0.1 s.
    """
    plan = get_plan(session, plan_id, by=by)
    statement = select(*COLUMNS, func.ST_AsBinary(Grid.geom)).where(Grid.plan_id == plan_id).order_by(Grid.code)
    if by.area and not plan.district.startswith(by.area):
        statement = statement.where(func.starts_with(Grid.code, by.area))
    if level is not None:
        statement = statement.where(Grid.level == level)
    if box is not None:
        statement = statement.where(Grid.geom.op("&&")(func.ST_MakeEnvelope(*box, WGS84)))
    stored = [(GridRow(*tuple(row)[:-1]), bytes(row[-1])) for row in session.execute(statement)]
    targets = load_targets(session, {row.parent_code for row, _ in stored if row.parent_code is not None})
    return features_of(stored, targets=targets)


def features_of(stored: Sequence[Stored], *, targets: Mapping[str, HouseholdTarget]) -> list[str]:
    """Stored rows as GeoJSON Features, one JSON text each; `targets` are the wanted households by community."""
    if not stored:
        return []
    shapes = shapely.to_geojson(shapely.from_wkb(objects(wkb for _, wkb in stored)))
    return [_feature(row, shape, targets) for (row, _), shape in zip(stored, shapes.tolist(), strict=True)]


def properties_of(row: GridRow, targets: Mapping[str, HouseholdTarget]) -> dict[str, Any]:
    """What a page is told of a grid beside its shape."""
    target = targets.get(row.parent_code or "") if row.kind == "base" else None
    return {
        "code": row.code,
        "name": row.name,
        "kind": row.kind,
        "parent": row.parent_code,
        "level": row.level,
        "exclusive": row.exclusive,
        "group": row.group_name,
        "parts_allowed": row.parts_allowed,
        "locked": row.locked,
        "households": row.households,
        "buildings": row.buildings,
        "area_m2": row.area_m2,
        "target": None if target is None else target.number,
    }


def _feature(row: GridRow, shape: str, targets: Mapping[str, HouseholdTarget]) -> str:
    told = orjson.dumps({"type": "Feature", "id": row.code, "properties": properties_of(row, targets)}).decode()
    # Into the object just before its last brace: the shape is JSON already.
    return f'{told[:-1]},"geometry":{shape}}}'


def plans_as_json(session: Session, plans: Iterable[Plan]) -> list[dict[str, Any]]:
    """Plans as the API tells them, with the names of their districts and the summary of their last report."""
    listed = list(plans)
    districts = {plan.district for plan in listed}
    named = session.execute(select(Area.code, Area.name).where(Area.code.in_(districts)))
    names = {code: name for code, name in named}  # noqa: C416 - rows are not pairs to the type checker
    ids = [plan.id for plan in listed]
    kept = select(Plan.id, Plan.report["ok"], Plan.report["summary"]).where(Plan.id.in_(ids))
    reports = {plan_id: (ok, summary) for plan_id, ok, summary in session.execute(kept)}
    return [_plan(plan, names.get(plan.district, plan.district), *reports[plan.id]) for plan in listed]


def plan_as_json(session: Session, plan: Plan, *, by: Actor) -> dict[str, Any]:
    """One plan as the API tells it, with its certificate, what its history allows, and its life so far.

    `areas` are the names of those within the reader's own area, and of those around it.
    `outdated` names the plan on which a draft should stand, where it stands on an older one.
    """
    (told,) = plans_as_json(session, [plan])
    done = select(func.count()).where(PlanEdit.plan_id == plan.id, PlanEdit.undone.is_(False))
    undone = select(func.count()).where(PlanEdit.plan_id == plan.id, PlanEdit.undone)
    can_undo, can_redo = session.execute(select(done.scalar_subquery(), undone.scalar_subquery())).one()
    papers = {"certificate": plan.certificate, "to_redo": plan.to_redo}
    names = read_area_names(session, plan.id)
    areas = {"areas": {code: name for code, name in names.items() if by.holds(code) or by.area.startswith(code)}}
    standing = {"outdated": _describe_newer(session, plan), "life": _life(session, plan)}
    return {**told, **papers, **areas, **standing, "can_undo": can_undo, "can_redo": can_redo}


def _describe_newer(session: Session, plan: Plan) -> dict[str, Any] | None:
    """The latest plan of the district where a draft, or a submitted one, does not stand on it."""
    if plan.state not in (PlanState.draft, PlanState.submitted):
        return None
    latest = find_latest(session, plan.district)
    if latest is None or latest.id == plan.based_on:
        return None
    return {"id": str(latest.id), "plan_version": latest.plan_version}


def _life(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """Every turn that a plan took, oldest first: who, when, and with which reason or which acknowledged warnings."""
    session.flush()
    lines = history.list_lines_of(session, f"plan:{plan.id}", actions=[f"plan.{turn}" for turn in TURNS])
    turns = [_turn(line.action.removeprefix("plan."), line.actor, line.at, line.details) for line in lines]
    told = {turn["action"] for turn in turns}
    # A plan that was loaded into the database whole has its row only.
    if plan.submitted_at is not None and "submit" not in told:
        acknowledged = {"acknowledged": list(plan.acknowledged)}
        turns.append(_turn("submit", plan.submitted_by or "", plan.submitted_at, acknowledged))
    if plan.published_at is not None and "publish" not in told:
        turns.append(_turn("publish", plan.published_by or "", plan.published_at, {}))
    return sorted(turns, key=lambda turn: datetime.fromisoformat(turn["at"]))


def _turn(action: str, by: str, at: datetime, details: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: details.get(name) for name in ("reason", "acknowledged")}
    return {"action": action, "by": by, "at": at.isoformat(), **kept}


def _plan(plan: Plan, district_name: str, ok: bool | None, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    begin = None if plan.in_force is None else plan.in_force.lower
    end = None if plan.in_force is None else plan.in_force.upper
    return {
        "id": str(plan.id),
        "title": plan.title,
        "district": plan.district,
        "district_name": district_name,
        "state": plan.state,
        "version": plan.version,
        "plan_version": plan.plan_version,
        "based_on": None if plan.based_on is None else str(plan.based_on),
        "editors": list(plan.editors),
        "acknowledged": list(plan.acknowledged),
        "returned_reason": plan.returned_reason,
        "created_by": plan.created_by,
        "created_at": plan.created_at.isoformat(),
        "updated_at": plan.updated_at.isoformat(),
        "submitted_by": plan.submitted_by,
        "submitted_at": None if plan.submitted_at is None else plan.submitted_at.isoformat(),
        "published_by": plan.published_by,
        "published_at": None if plan.published_at is None else plan.published_at.isoformat(),
        "effective_at": None if begin is None else begin.isoformat(),
        "ends_at": None if end is None else end.isoformat(),
        "ok": ok,
        "summary": summary,
        "grids": None if summary is None else summary.get("grids"),
    }
