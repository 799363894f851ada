"""Proposals to mend an imperfect draft ([S6]): worked out in a child process, applied as one edit when accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers import sandbox
from layers.access import Actor
from layers.errors import Conflict, Unacceptable
from layers.grids import GridLevel
from layers.planning.board import Board, GridRow, objects
from layers.planning.desk import desk_of, locked_desk_of
from layers.planning.drawn import Drawn, Table, community_at
from layers.planning.editing import Edited, lock_draft, perform
from layers.planning.sheet import TOLERANCE
from layers.plans import get_plan
from layers.sandbox import Limits, Room
from tiling.errors import NotRepairable
from tiling.partition import Change, same_bytes
from tiling.repair import Decision, Repair, homes_of, propose, rings_with_nodes

WORK = "layers.planning.repairing:work"
# A thousand grids take about a second; what takes longer than this is no map of grids.
LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=120, wall_s=150.0)
_NEW = "new"


def propose_repair(session: Session, plan_id: int, *, options: Mapping[str, str], by: Actor) -> dict[str, Any]:
    """What a repair of a draft would do: for each grid how far its border moves and what it gains and loses, what a
    person must decide with the options, and what would be left; nothing is changed.

    `options` are decisions by their id, or by kind for all of it. Raises Unacceptable with the place where a grid
    would be lost, and where the work takes too long.
    """
    plan = get_plan(session, plan_id, by=by)
    board = desk_of(session, plan).board
    return {"version": plan.version, **_told(board, _worked_out(board, options))}


def repair(
    session: Session, plan_id: int, *, options: Mapping[str, str], version: int, by: Actor
) -> tuple[Edited, dict[str, Any]]:
    """The edit that a repair was, and the proposal that it followed; raises Conflict where there is nothing to mend,
    and what `edit` and `propose_repair` raise."""
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    desk = locked_desk_of(session, plan)
    answer = _worked_out(desk.board, options)
    change = _change(desk.board, answer)
    if not change:
        raise Conflict("nothing_to_repair", plan=plan_id)
    drawn = _with_codes(Table(session, desk.board), change, answer["decisions"])
    op = {"op": "repair", "options": dict(options), "mended": answer["mended"]}
    meant = {code: shapely.from_wkb(wkb) for code, wkb in answer["meant"].items()}
    done = perform(session, plan, desk, drawn, op=op, by=by, began=began, meant=meant)
    return done, _told(desk.board, answer)


def work(task: bytes) -> bytes:
    """The proposal for a task as `_worked_out` writes it; runs in the child process."""
    asked = json.loads(task)
    shapes = [None if wkb is None else shapely.from_wkb(wkb) for wkb in asked["polygons"]]
    frame = None if asked["frame"] is None else shapely.from_wkb(asked["frame"])
    areas = {code: shapely.from_wkb(wkb) for code, wkb in asked["areas"].items()}
    try:
        made = propose(
            asked["codes"],
            shapes,
            frame=frame,
            areas=areas,
            home_of=asked["home_of"],
            tolerance=TOLERANCE,
            options=asked["options"],
            parts_allowed=asked["parts_allowed"],
        )
    except NotRepairable as refused:
        raise Unacceptable("not_repairable", where=refused.where, grid=refused.details.get("grid")) from refused
    except ValueError as refused:
        if not asked["options"]:
            raise
        raise Unacceptable("unknown_option", errors=[(["options"], "unknown_option")]) from refused
    given = dict(zip(asked["codes"], shapes, strict=True))
    changed = {code: shape for code, shape in made.polygons.items() if not same_bytes(shape, given.get(code))}
    return json.dumps(_answer(changed, rings_with_nodes(areas, objects(changed.values())), frame, made)).encode()


def _answer(
    changed: Mapping[str, BaseGeometry], rings: Mapping[str, BaseGeometry], frame: BaseGeometry | None, made: Repair
) -> dict[str, Any]:
    return {
        "polygons": {code: shapely.to_wkb(shape, hex=True) for code, shape in changed.items()},
        "areas": {code: shapely.to_wkb(ring, hex=True) for code, ring in rings.items()},
        "meant": {code: shapely.to_wkb(shape, hex=True) for code, shape in made.meant.items()},
        "frame": None if same_bytes(frame, made.frame) else shapely.to_wkb(made.frame, hex=True),
        "differences": [asdict(difference) for difference in made.differences],
        "decisions": [_decision(decision) for decision in made.decisions],
        "mended": dict(made.mended),
        "left": made.report.summary()["by_kind"],
        "ok": made.report.ok,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "kind": decision.kind,
        "class": decision.class_,
        "area": decision.area,
        "codes": list(decision.codes),
        "where": shapely.to_wkb(decision.where, hex=True),
        "area_m2": decision.area_m2,
        "width_m": decision.width_m,
        "options": list(decision.options),
        # The code of a new grid is given when the repair is applied; until then it goes by the decision's id.
        "chosen": _NEW if decision.chosen.startswith(f"{_NEW}:") else decision.chosen,
    }


def _worked_out(board: Board, options: Mapping[str, str]) -> dict[str, Any]:
    partition = board.partition
    # A grid that nobody drew yet cannot be mended, and is no reason not to mend the others.
    drawn = [code for code in partition.codes if _is_drawn(partition.polygon(code))]
    wkb = shapely.to_wkb(partition.polygons[partition.rows(drawn)], hex=True)
    task = {
        "codes": drawn,
        "polygons": np.asarray(wkb, dtype=object).tolist(),
        "frame": None if partition.frame is None else shapely.to_wkb(partition.frame, hex=True),
        "areas": {code: shapely.to_wkb(ring, hex=True) for code, ring in partition.areas.items()},
        "home_of": homes_of(partition),
        "parts_allowed": sorted(partition.parts_allowed),
        "options": {name: _NEW if value.startswith(f"{_NEW}:") else value for name, value in options.items()},
    }
    try:
        answer = sandbox.run(WORK, json.dumps(task).encode(), room=Room(limits=LIMITS))
    except Unacceptable as refused:
        if refused.where is not None:
            refused.where = board.plane.to_degrees(refused.where)
        raise
    told: dict[str, Any] = json.loads(answer)
    if missing := len(partition.codes) - len(drawn):
        told |= {"ok": False, "left": {"empty": missing, **told["left"]}}
    return told


def _is_drawn(shape: BaseGeometry | None) -> bool:
    return shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") and not shape.is_empty


def _change(board: Board, answer: Mapping[str, Any]) -> Change:
    """The change under the decisions' ids as codes of new grids."""
    shapes = {code: shapely.from_wkb(wkb) for code, wkb in answer["polygons"].items()}
    return Change(
        changed={code: shape for code, shape in shapes.items() if code in board.partition.row_of},
        added={code: shape for code, shape in shapes.items() if code not in board.partition.row_of},
        frame=None if answer["frame"] is None else shapely.from_wkb(answer["frame"]),
        areas={code: shapely.from_wkb(wkb) for code, wkb in answer["areas"].items()},
    )


def _with_codes(table: Table, change: Change, decisions: Sequence[Mapping[str, Any]]) -> Drawn:
    """The change with codes of their own for new grids, each below the area in which its ground lies."""
    area_of = {one["id"]: one["area"] for one in decisions}
    fresh: dict[str, GridRow] = {}
    added: dict[str, BaseGeometry | None] = {}
    for id_, shape in sorted(change.added.items()):
        assert shape is not None, "a repair makes no empty grids"
        # A decision names the first area by code, which may be a subdistrict: a grid is below the lowest one.
        parent = community_at(table.board, shape) or area_of.get(id_)
        code = table.claim(parent or table.board.district, level=GridLevel.grid, origin="repair")
        fresh[code] = GridRow(code=code, level=GridLevel.grid, parent_code=parent, name=code)
        added[code] = shape
    parents = {code: row.parent_code for code, row in fresh.items() if row.parent_code}
    return Drawn(replace(change, added=added, parents=parents), fresh)


def _told(board: Board, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The proposal for a person: places in degrees, without the polygons."""
    places = board.plane.to_degrees(objects(shapely.from_wkb(one["where"]) for one in answer["decisions"]))
    shown = np.asarray(shapely.to_geojson(places), dtype=object).tolist()
    decisions = [{**one, "where": json.loads(place)} for one, place in zip(answer["decisions"], shown, strict=True)]
    kept = {name: answer[name] for name in ("ok", "differences", "mended", "left")}
    return {**kept, "decisions": decisions}
