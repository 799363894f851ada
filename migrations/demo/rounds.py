"""The demo's workers walk their rounds while it is served: along the inner side of their own grid's borders, which
follow the streets.

    rounds = Rounds()
    rounds.walk(session, now=now)       every half minute, by the job process of a served demo

Where somebody is follows from the moment alone, so several processes and a restart make no difference. Only the people
of the demo walk, told by their telephone numbers, which no real network has; only while on duty; only most of them, as
phones of others are silent; and nobody of whom somebody else has ever sent a position.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from layers.access import service_actor
from layers.areas import Area
from layers.assignments import Assignment
from layers.grids import Grid
from layers.plans import Plan, is_in_force_at
from layers.positions import Fix, Position, add_fixes
from layers.shifts import MOMENT, duty_spans
from layers.workers import Worker
from migrations.demo.people import PHONES
from migrations.demo.places import DISTRICT_CODE
from tiling.plane import Plane

# A walk, with a look at things on the way.
SPEED_M_S = 1.0
# From the border of the grid inwards: the near side of the street.
INWARDS_M = 4.0
# One of so many has a phone that says nothing.
SILENT_OF = 7
ACCURACY_M = 8.0
# A round of the whole demo district at once is 2,386 fixes, some 40 ms; more than that is not the demo.
MOST = 3_000
# The phones of the demo, as far as proofs of place are concerned.
PHONES_OF_THE_DEMO = replace(service_actor("demo rounds"), gateway=True)


class Rounds:
    """The rounds, with the ways that were worked out; made once by the process that walks."""

    def __init__(self) -> None:
        self._ways: dict[tuple[int, str], Any] = {}

    def walk(self, session: Session, *, now: datetime) -> int:
        """How many have moved on."""
        epsg = session.scalar(select(Area.crs_epsg).where(Area.code == DISTRICT_CODE))
        walking = [row for row in session.execute(_walking(now)) if row.id % SILENT_OF] if epsg is not None else []
        if not walking or epsg is None:
            return 0
        plane = Plane(epsg)
        self._keep_ways(session, plane, {(row.plan_id, row.code) for row in walking})
        walking = [row for row in walking if self._ways[row.plan_id, row.code] is not None]
        ways = np.asarray([self._ways[row.plan_id, row.code] for row in walking], dtype=object)
        lon, lat = _places(plane, ways, np.asarray([row.id for row in walking]), now)
        fixes = [
            Fix(n, row.number, x, y, x, y, "wgs84", ACCURACY_M, now)
            for n, (row, x, y) in enumerate(zip(walking, lon.tolist(), lat.tolist(), strict=True))
        ]
        return add_fixes(session, fixes, now=now, by=PHONES_OF_THE_DEMO).stored

    def _keep_ways(self, session: Session, plane: Plane, wanted: set[tuple[int, str]]) -> None:
        """Work out the ways that are not known yet: once a plan, for all of it."""
        plans = {plan_id for plan_id, code in wanted if (plan_id, code) not in self._ways}
        for plan_id in plans:
            found = select(Grid.code, func.ST_AsBinary(Grid.geom)).where(Grid.plan_id == plan_id)
            rows = session.execute(found).all()
            shapes = plane.to_metres(shapely.from_wkb([bytes(row[1]) for row in rows]))
            ways = (_way(shape) for shape in shapes)
            self._ways |= {(plan_id, row[0]): way for row, way in zip(rows, ways, strict=True)}


def _walking(now: datetime) -> Any:
    """The demo's people on duty, each with the innermost grid that they serve."""
    duty = duty_spans(now, now + MOMENT)
    own = (
        select(Worker.id, Worker.number, Grid.plan_id, Grid.code)
        .join(Assignment, Assignment.worker_id == Worker.id)
        .join(duty, duty.c.worker_id == Worker.id)
        .join(Grid, Grid.code == Assignment.grid_code)
        .join(Plan, Plan.id == Grid.plan_id)
        .outerjoin(Position, Position.worker_id == Worker.id)
        .where(Worker.active, Worker.phone.startswith(PHONES), Assignment.span.contains(now))
        .where(is_in_force_at(now), or_(Position.sent_by.is_(None), Position.sent_by == PHONES_OF_THE_DEMO.name))
    )
    return own.ext(distinct_on(Worker.id)).order_by(Worker.id, func.length(Grid.code).desc(), Grid.code).limit(MOST)


def _way(shape: Any) -> Any | None:
    """A closed way within a grid; None for one too small to walk in."""
    inner = shapely.buffer(shape, -INWARDS_M)
    parts = [part for part in shapely.get_parts(inner) if part.area > 0]
    return shapely.get_exterior_ring(max(parts, key=lambda part: float(part.area))) if parts else None


def _places(
    plane: Plane, ways: NDArray[np.object_], ids: NDArray[np.int64], now: datetime
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each is on the way by now, in degrees; they set out at different places."""
    gone_m = now.timestamp() * SPEED_M_S + ids * 37.0
    points = shapely.line_interpolate_point(ways, gone_m % shapely.length(ways))
    return plane.to_lonlat(shapely.get_x(points), shapely.get_y(points))
