"""Proposals to mend an imperfect draft ([S6]): worked out in a child process, applied as one edit when accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers import sandbox
from layers.access import Actor
from layers.errors import Conflict, Unacceptable
from layers.planning.board import Board, objects
from layers.planning.desk import desk_of, locked_desk_of
from layers.planning.drawing import Drawn
from layers.planning.editing import Edited, lock_draft, perform
from layers.planning.sheet import TOLERANCE
from layers.plans import get_plan
from layers.sandbox import Limits, Room
from tiling.errors import NotRepairable
from tiling.partition import Change, same_bytes
from tiling.repair import Decision, Repair, propose

WORK = "layers.planning.repairing:work"
# A thousand grids take about a second; what takes longer than this is no map of grids.
LIMITS = Limits(memory_bytes=3 * 2**30, cpu_s=120, wall_s=150.0)


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
    op = {"op": "repair", "options": dict(options), "mended": answer["mended"]}
    return perform(session, plan, desk, Drawn(change), op=op, by=by, began=began), _told(desk.board, answer)


def work(task: bytes) -> bytes:
    """The proposal for a task as `_worked_out` writes it; runs in the child process."""
    asked = json.loads(task)
    shapes = [None if wkb is None else shapely.from_wkb(wkb) for wkb in asked["polygons"]]
    frame = None if asked["frame"] is None else shapely.from_wkb(asked["frame"])
    try:
        made = propose(asked["codes"], shapes, frame=frame, tolerance=TOLERANCE, options=asked["options"])
    except NotRepairable as refused:
        raise Unacceptable("not_repairable", where=refused.where, grid=refused.details.get("grid")) from refused
    except ValueError as refused:
        if not asked["options"]:
            raise
        raise Unacceptable("unknown_option", errors=[(["options"], "unknown_option")]) from refused
    return json.dumps(_answer(dict(zip(asked["codes"], shapes, strict=True)), frame, made)).encode()


def _answer(given: Mapping[str, BaseGeometry | None], frame: BaseGeometry | None, made: Repair) -> dict[str, Any]:
    changed = {code: shape for code, shape in made.polygons.items() if not same_bytes(shape, given.get(code))}
    return {
        "polygons": {code: shapely.to_wkb(shape, hex=True) for code, shape in changed.items()},
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
        "codes": list(decision.codes),
        "where": shapely.to_wkb(decision.where, hex=True),
        "area_m2": decision.area_m2,
        "width_m": decision.width_m,
        "options": list(decision.options),
        "chosen": decision.chosen,
    }


def _worked_out(board: Board, options: Mapping[str, str]) -> dict[str, Any]:
    partition = board.partition
    wkb = shapely.to_wkb(partition.polygons, hex=True)
    task = {
        "codes": list(partition.codes),
        "polygons": np.asarray(wkb, dtype=object).tolist(),
        "frame": None if partition.frame is None else shapely.to_wkb(partition.frame, hex=True),
        "options": dict(options),
    }
    try:
        answer = sandbox.run(WORK, json.dumps(task).encode(), room=Room(limits=LIMITS))
    except Unacceptable as refused:
        if refused.where is not None:
            refused.where = board.plane.to_degrees(refused.where)
        raise
    told: dict[str, Any] = json.loads(answer)
    return told


def _change(board: Board, answer: Mapping[str, Any]) -> Change:
    shapes = {code: shapely.from_wkb(wkb) for code, wkb in answer["polygons"].items()}
    return Change(
        changed={code: shape for code, shape in shapes.items() if code in board.partition.row_of},
        frame=None if answer["frame"] is None else shapely.from_wkb(answer["frame"]),
    )


def _told(board: Board, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The proposal for a person: places in degrees, without the polygons."""
    places = board.plane.to_degrees(objects(shapely.from_wkb(one["where"]) for one in answer["decisions"]))
    shown = np.asarray(shapely.to_geojson(places), dtype=object).tolist()
    decisions = [{**one, "where": json.loads(place)} for one, place in zip(answer["decisions"], shown, strict=True)]
    kept = {name: answer[name] for name in ("ok", "differences", "mended", "left")}
    return {**kept, "decisions": decisions}
