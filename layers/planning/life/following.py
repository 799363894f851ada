"""What lies on the ground follows the boundaries ([P5]): the present code of hazards and incidents, the grid of
devices.

Only things near tiles that changed are looked at. What a thing was accepted under is never touched. Buildings and
households that a person put into a grid follow it to its new code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy import ARRAY, BigInteger, column, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from layers.buildings import Building
from layers.db import CODE, WGS84
from layers.devices import Device
from layers.hazards import Hazard
from layers.households import Household
from layers.incidents import Incident
from layers.planning.report.counting import NOBODY, owners_of
from layers.planning.state.board import Board, Geometries
from layers.planning.state.loading import load_board
from layers.plans import Plan


def follow(session: Session, board: Board, *, before: Plan | None) -> int:
    """The number of hazards and incidents that got another present code by a plan that has come into force.

    A thing on ground that is in no tile keeps its code, unless that code is gone: then it has none.
    """
    older = None if before is None else load_board(session, before)
    if older is not None:
        _keep_hands(session, board, lost=older.rows.keys() - board.rows.keys())
    altered = _find_altered(board, older)
    gone = [] if older is None else sorted(set(older.partition.codes) - set(board.partition.codes))
    if not altered and not gone:
        return 0
    polygons = np.asarray(board.plane.to_degrees(board.partition.polygons), dtype=object)
    ground = _FollowedGround(board, polygons, shapely.total_bounds(polygons[board.partition.rows(altered)]).tolist())
    lost = [] if older is None else sorted(older.rows.keys() - board.rows.keys())
    _follow(session, Device.grid_code, ground, lost, level=board.grid_of)
    return sum(_follow(session, table.current_code, ground, gone, level=str) for table in (Hazard, Incident))


def _keep_hands(session: Session, board: Board, *, lost: Collection[str]) -> None:
    """What a person put into a grid that has another code now stays in it, under that code."""
    recoded = {code: named for code in sorted(lost) if (named := board.find_present_code(code)) != code}
    if not recoded:
        return
    names = literal(list(recoded), ARRAY(CODE)), literal(list(recoded.values()), ARRAY(CODE))
    fresh = func.unnest(*names).table_valued(column("old", CODE), column("new", CODE)).render_derived()
    for table, override in ((Building, "grid_override"), (Household, "sub_grid_override")):
        statement = update(table).where(getattr(table, override) == fresh.c.old).values({override: fresh.c.new})
        session.execute(statement, execution_options={"synchronize_session": False})


def _find_altered(board: Board, older: Board | None) -> tuple[str, ...]:
    if older is None:
        return board.partition.codes
    return tuple(sorted(board.partition.find_changes_since(older.partition).touched))


@dataclass(frozen=True)
class _FollowedGround:
    """The tiles of a plan in degrees, and the box of those that differ from the plan before (NaN where none does)."""

    board: Board
    polygons: Geometries
    box: list[float]


def _follow(
    session: Session,
    column: InstrumentedAttribute[str | None],
    ground: _FollowedGround,
    gone: list[str],
    *,
    level: Callable[[str], str],
) -> int:
    """Bring one column of codes up to the new plan; `level` gives the code that it holds for a tile."""
    table, board, box = column.class_, ground.board, ground.box
    near = table.geom.op("&&")(func.ST_MakeEnvelope(*box, WGS84)) if np.isfinite(box).all() else literal(False)
    columns = (table.id, column, func.ST_X(table.geom), func.ST_Y(table.geom))
    rows = session.execute(select(*columns).where(or_(near, column.in_(gone)))).all()
    if not rows:
        return 0
    ids, held, lon, lat = zip(*rows, strict=True)
    owners = owners_of(np.asarray(shapely.points(lon, lat), dtype=object), ground.polygons).tolist()
    lost = set(gone)
    fresh = [
        level(board.partition.codes[owner]) if owner != NOBODY else (None if code in lost else code)
        for owner, code in zip(owners, held, strict=True)
    ]
    turned = [(number, new) for number, new, old in zip(ids, fresh, held, strict=True) if new != old]
    _write(session, column, turned)
    return len(turned)


def _write(session: Session, kept: InstrumentedAttribute[str | None], turned: list[tuple[int, str | None]]) -> None:
    if not turned:
        return
    ids = literal([number for number, _ in turned], ARRAY(BigInteger))
    codes = literal([code for _, code in turned], ARRAY(CODE))
    fresh = func.unnest(ids, codes).table_valued(column("id", BigInteger), column("code", CODE)).render_derived()
    session.execute(
        update(kept.class_).where(kept.class_.id == fresh.c.id).values({kept: fresh.c.code}),
        execution_options={"synchronize_session": False},
    )
