"""The incidents of the last months under another plan ([P4]): how many would go elsewhere, from where to where."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.areas import get_district
from layers.errors import Unacceptable
from layers.incidents import Incident
from layers.planning.comparison.impact_counts import tiles_at
from layers.planning.state.board import Board, Geometries
from layers.planning.state.loading import load_board
from layers.plans import get_plan

# Whoever may read single incidents may see where they were; everybody else sees numbers ([A3]).
SEES_POINTS = (Role.dispatcher, Role.admin)


@dataclass(frozen=True)
class Gone:
    """Incidents with the grid that accepted each of them, the one it would go to now, and its place."""

    held: tuple[str, ...]
    now: tuple[str | None, ...]
    points: Geometries

    def find_elsewhere(self) -> list[int]:
        """The rows of those that would have gone to another grid."""
        return [row for row, (old, new) in enumerate(zip(self.held, self.now, strict=True)) if old != new]


def replay(
    session: Session, plan_id: int, *, since: datetime, by: Actor, until: datetime | None = None
) -> dict[str, Any]:
    """How many of the incidents accepted in [since, until) would go to another grid under this plan, from where to
    where; and their places, for roles that may see them.

    An incident is compared with the grid under which it was accepted ([P5]); those of the actor's area are counted.
    Raises NotFound, Unacceptable for a time that ends before it begins.
    """
    plan = get_plan(session, plan_id, by=by)
    if until is not None and until <= since:
        raise Unacceptable("ends_before_it_starts", errors=[(["until"], "ends_before_it_starts")])
    board = load_board(session, plan)
    gone = _find_gone(session, board, since=since, until=until, by=by)
    rows = gone.find_elsewhere()
    moved = Counter((gone.held[row], gone.now[row]) for row in rows)
    shown = json.loads(shapely.to_geojson(shapely.MultiPoint(gone.points[rows].tolist()))) if rows else None
    return {
        "plan": str(plan.id),
        "title": plan.title,
        "district": plan.district,
        "district_name": get_district(session, plan.district).name,
        "since": since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "incidents": len(gone.held),
        "elsewhere": len(rows),
        "moves": [
            {"from": old, "to": new, "to_name": board.rows[new].name if new else None, "incidents": number}
            for (old, new), number in moved.most_common()
        ],
        "grids": _grids(board, Counter(gone.now[row] for row in rows)),
        "where": shown if by.role in SEES_POINTS else None,
    }


def _find_gone(session: Session, board: Board, *, since: datetime, until: datetime | None, by: Actor) -> Gone:
    columns = (Incident.grid_code, func.ST_X(Incident.geom), func.ST_Y(Incident.geom))
    accepted = select(*columns).where(
        Incident.district == board.district,
        Incident.reported_at >= since,
        Incident.grid_code.startswith(by.area, autoescape=True),
    )
    if until is not None:
        accepted = accepted.where(Incident.reported_at < until)
    rows = session.execute(accepted).all()
    if not rows:
        return Gone((), (), np.empty(0, dtype=object))
    held, lon, lat = zip(*rows, strict=True)
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    return Gone(held, tuple(_grids_at(board, points)), points)


def _grids_at(board: Board, points: Geometries) -> list[str | None]:
    return [None if tile is None else board.grid_of(tile) for tile in tiles_at(board, points)]


def _grids(board: Board, arriving: Counter[str | None]) -> dict[str, Any]:
    """The grids that incidents would come to, with their number: what a map shows to those who see no points."""
    features = []
    for code, number in arriving.most_common():
        shape = None if code is None else board.shape(code)
        if code is None or shape is None:
            continue
        geometry = json.loads(shapely.to_geojson(board.plane.to_degrees(shape)))
        properties = {"code": code, "name": board.rows[code].name, "incidents": number}
        features.append({"type": "Feature", "id": code, "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}
