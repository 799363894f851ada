"""What differs between two plans, and what changes hands with it ([P4], [P6]): as a map and as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.assignments import Assignment
from layers.db import WGS84
from layers.errors import NotFound
from layers.incidents import Incident
from layers.planning.board import Board, Geometries, objects
from layers.planning.counting import Houses, load_houses, owners_of, tiles_of
from layers.planning.loading import load_board
from layers.plans import Plan, find_latest, get_plan
from layers.workers import Worker
from tiling.partition import same_bytes

OPEN = ("reported", "triaged", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back", "waiting")
Against = Literal["published"] | int
Pair = tuple[str | None, str | None]


@dataclass(frozen=True)
class Both:
    """The older and the newer plan, and the ground in degrees on which they differ."""

    old: Board
    new: Board
    box: BaseGeometry | None


def difference_of(session: Session, plan_id: int, *, against: Against, by: Actor) -> dict[str, Any]:
    """Grids added, removed, reshaped and renamed since another plan; buildings, households and open incidents that
    get another grid, workers whose grid goes, grids that nobody serves.

    Raises NotFound where there is no such plan, nothing published, or a plan of another district.
    """
    plan = get_plan(session, plan_id, by=by)
    other = _other(session, plan, against, by)
    old, new = load_board(session, other), load_board(session, plan)
    both = Both(old, new, _ground(old, new))
    codes = _codes(old, new)
    buildings, households = _houses_moved(session, both)
    incidents = _incidents_moved(session, both)
    handed, unserved = _workers(session, codes["removed"], codes["added"])
    return {
        "plan": str(plan.id),
        "against": {"id": str(other.id), "plan_version": other.plan_version},
        **codes,
        "buildings": sum(buildings.values()),
        "households": sum(households.values()),
        "incidents": sum(incidents.values()),
        "workers": len({one["worker"] for one in handed}),
        "moves": _moves(buildings, households, incidents),
        "handover": handed,
        "unserved": unserved,
        "map": _map(both, codes),
    }


def _other(session: Session, plan: Plan, against: Against, by: Actor) -> Plan:
    if against != "published":
        other = get_plan(session, against, by=by)
        if other.district != plan.district:
            raise NotFound("no_such_plan", plan=against)
        return other
    latest = find_latest(session, plan.district)
    if latest is None:
        raise NotFound("nothing_published", district=plan.district)
    return latest


def _codes(old: Board, new: Board) -> dict[str, list[str]]:
    shared = old.rows.keys() & new.rows.keys()
    reshaped = {code for code in shared if not _alike(old.shape(code), new.shape(code))}
    named = ("name", "kind", "group_name", "parent_code")
    renamed = {c for c in shared if any(getattr(old.rows[c], n) != getattr(new.rows[c], n) for n in named)}
    return {
        "added": sorted(new.rows.keys() - old.rows.keys()),
        "removed": sorted(old.rows.keys() - new.rows.keys()),
        "reshaped": sorted(reshaped),
        "renamed": sorted(renamed),
    }


def _alike(one: BaseGeometry | None, other: BaseGeometry | None) -> bool:
    """Whether two shapes hold the same ground; a ring that only gained a node does."""
    if one is None or other is None or same_bytes(one, other):
        return one is other or (one is not None and other is not None)
    if not (one.is_valid and other.is_valid):
        return False
    # A node put on an edge lies up to 0.7 mm beside it.
    return float(one.symmetric_difference(other).area) <= 0.001 * one.length


def _ground(old: Board, new: Board) -> BaseGeometry | None:
    there, back = new.partition.changed_since(old.partition), old.partition.changed_since(new.partition)
    moved = [*there.changed.values(), *there.added.values(), *back.changed.values(), *back.added.values()]
    # Tiles that only got another grid above them have moved too.
    moved += [new.partition.polygon(code) for code in there.parents if code in new.partition]
    if not moved:
        return None
    bounds = shapely.total_bounds(objects(moved))
    if np.isnan(bounds).any():
        return None
    west, south, east, north = bounds.tolist()
    edge = shapely.get_coordinates(shapely.segmentize(shapely.box(west - 1, south - 1, east + 1, north + 1), 1000.0))
    lon, lat = new.plane.lonlat_of(edge[:, 0], edge[:, 1])
    return shapely.Polygon(shapely.box(lon.min(), lat.min(), lon.max(), lat.max()))


def _houses_moved(session: Session, both: Both) -> tuple[Counter[Pair], Counter[Pair]]:
    """Buildings and households by the grid they leave and the grid they come to."""
    buildings: Counter[Pair] = Counter()
    households: Counter[Pair] = Counter()
    if both.box is None:
        return buildings, households
    houses = load_houses(session, both.box, codes=())
    before, after = _grids(both.old, houses), _grids(both.new, houses)
    for old, new, number in zip(before, after, houses.households.tolist(), strict=True):
        if old != new:
            buildings[old, new] += 1
            households[old, new] += number
    return buildings, households


def _grids(board: Board, houses: Houses) -> list[str | None]:
    tiles = tiles_of(board, houses, owners_of(houses.points, _degrees(board)), board.partition.codes)
    return [None if tile is None else board.grid_of(tile) for tile in tiles]


def _degrees(board: Board) -> Geometries:
    return np.asarray(board.plane.to_degrees(board.partition.polygons), dtype=object)


def _incidents_moved(session: Session, both: Both) -> Counter[Pair]:
    """Open incidents by the grid they leave and the grid they come to."""
    moved: Counter[Pair] = Counter()
    if both.box is None:
        return moved
    near = Incident.geom.op("&&")(func.ST_MakeEnvelope(*both.box.bounds, WGS84))
    places = select(func.ST_X(Incident.geom), func.ST_Y(Incident.geom)).where(near, Incident.state.in_(OPEN))
    rows = session.execute(places).all()
    if not rows:
        return moved
    lon, lat = zip(*rows, strict=True)
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    old, new = (_grids_at(board, points) for board in (both.old, both.new))
    return Counter((a, b) for a, b in zip(old, new, strict=True) if a != b)


def replay(session: Session, plan_id: int, *, since: datetime, by: Actor) -> dict[str, Any]:
    """How many of the incidents accepted since a moment would go to another grid under this plan, from where to where.

    An incident is compared with the grid under which it was accepted ([P5]). Raises NotFound.
    """
    plan = get_plan(session, plan_id, by=by)
    board = load_board(session, plan)
    columns = (Incident.grid_code, func.ST_X(Incident.geom), func.ST_Y(Incident.geom))
    accepted = select(*columns).where(
        Incident.district == plan.district, Incident.reported_at >= since, Incident.grid_code.is_not(None)
    )
    rows = session.execute(accepted).all()
    if not rows:
        return {"since": since.isoformat(), "incidents": 0, "elsewhere": 0, "moves": [], "where": None}
    held, lon, lat = zip(*rows, strict=True)
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    now = _grids_at(board, points)
    other = [number for number, (old, new) in enumerate(zip(held, now, strict=True)) if old != new]
    moved = Counter((held[number], now[number]) for number in other)
    return {
        "since": since.isoformat(),
        "incidents": len(rows),
        "elsewhere": len(other),
        "moves": [{"from": old, "to": new, "incidents": number} for (old, new), number in moved.most_common()],
        "where": json.loads(shapely.to_geojson(shapely.MultiPoint(points[other].tolist()))),
    }


def _grids_at(board: Board, points: Geometries) -> list[str | None]:
    owners = owners_of(points, _degrees(board)).tolist()
    return [board.grid_of(board.partition.codes[owner]) if owner >= 0 else None for owner in owners]


def _workers(session: Session, removed: Collection[str], added: Collection[str]) -> tuple[list[Any], list[str]]:
    """Who serves a code that goes (and must hand it over), and which new codes nobody serves yet."""
    now = func.now()
    served = select(Assignment.grid_code, Worker.number, Worker.name, Assignment.role).join(
        Worker, Worker.id == Assignment.worker_id
    )
    current = served.where(Assignment.span.contains(now), Worker.active)
    rows = session.execute(current.where(Assignment.grid_code.in_(list(removed))).order_by(Assignment.grid_code))
    handed = [{"grid": code, "worker": number, "name": name, "role": role} for code, number, name, role in rows]
    taken = session.scalars(
        select(Assignment.grid_code).where(Assignment.grid_code.in_(list(added)), func.upper(Assignment.span) > now)
    )
    return handed, sorted(set(added) - set(taken))


def _moves(*counted: Counter[Pair]) -> list[dict[str, Any]]:
    """One line for each pair of grids, most households first."""
    buildings, households, incidents = counted
    pairs = {*buildings, *incidents}
    order = sorted(pairs, key=lambda pair: (-households[pair], -buildings[pair], str(pair)))
    return [
        {
            "from": old,
            "to": new,
            "buildings": buildings[old, new],
            "households": households[old, new],
            "incidents": incidents[old, new],
        }
        for old, new in order
    ]


def _map(both: Both, codes: dict[str, list[str]]) -> dict[str, Any]:
    listed = [("added", both.new, code) for code in codes["added"]]
    listed += [("removed", both.old, code) for code in codes["removed"]]
    listed += [("reshaped", both.new, code) for code in codes["reshaped"]]
    return {"type": "FeatureCollection", "features": list(_features(listed))}


def _features(listed: Iterable[tuple[str, Board, str]]) -> Iterable[dict[str, Any]]:
    for change, board, code in listed:
        shape, row = board.shape(code), board.rows[code]
        geometry = None if shape is None else json.loads(shapely.to_geojson(board.plane.to_degrees(shape)))
        properties = {"code": code, "name": row.name, "level": row.level, "change": change}
        yield {"type": "Feature", "id": code, "properties": properties, "geometry": geometry}
