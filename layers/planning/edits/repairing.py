"""Proposals to mend an imperfect draft ([S6]): worked out in a child process, applied as one edit when accepted."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import sandbox
from layers.access import Actor
from layers.chronicle import Ticket
from layers.errors import Conflict, Unacceptable
from layers.grids import GridLevel
from layers.planning.edits.drawn import DrawingTable, community_at
from layers.planning.edits.editing import Edited, lock_draft, perform
from layers.planning.memory.draft_cache import DraftMemory, open_draft, open_locked_draft
from layers.planning.report.draft_report import TOLERANCE
from layers.planning.state.board import Board, GridRow, objects
from layers.planning.state.row_changes import Move
from layers.plans import Plan, PlanEdit, get_plan
from layers.sandbox import Room, SandboxLimits
from tiling.coverage import Defect, check
from tiling.defects.report import MENDED_AS_NOISE
from tiling.errors import NotRepairable
from tiling.partition import Change, Partition
from tiling.repair import LEAVE, MEND, Decision, Repair, Rule, change_of, homes_of, propose
from tiling.structure import structure_of

WORK = "layers.planning.edits.repairing:work"
# A thousand grids take about a second; what takes longer than this is no map of grids.
LIMITS = SandboxLimits(memory_bytes=3 * 2**30, cpu_s=120, wall_s=150.0)
_NEW = "new"


def propose_repair(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    *,
    options: Mapping[str, str],
    rules: Sequence[Rule] = (),
    by: Actor,
) -> dict[str, Any]:
    """What a repair of a draft would do: for each grid how far its border moves and what it gains and loses, what a
    person must decide with the options, and what would be left; nothing is changed.

    `options` are decisions by their id, by kind or by class for all of it; `rules` answer the others. What it says to
    be left is what a full check says after it. Raises Unacceptable with the place where a choice for
    one place would lose a grid, and where the work takes too long.
    """
    plan = get_plan(session, plan_id, by=by)
    board = open_draft(session, drafts, plan).board
    answer = _work_out(plan, board, options, rules, spent_m2=_sum_spent_m2(session, plan))
    return {"version": plan.version, **_describe_proposal(board, answer)}


def repair(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    *,
    options: Mapping[str, str],
    rules: Sequence[Rule] = (),
    version: int,
    by: Actor,
    ticket: Ticket | None = None,
) -> tuple[Edited, dict[str, Any]]:
    """The edit that a repair was, and the proposal that it followed; raises Conflict where there is nothing to mend,
    and what `edit` and `propose_repair` raise."""
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    draft = open_locked_draft(session, drafts, plan)
    answer = _work_out(plan, draft.board, options, rules, spent_m2=_sum_spent_m2(session, plan))
    change = _change(draft.board, answer)
    if not change and not answer["allowed"]:
        raise Conflict("nothing_to_repair", plan=plan_id)
    drawn = _give_codes(DrawingTable(session, draft.board), change, answer["decisions"])
    allowed = {code: replace(draft.board.get_row(code), parts_allowed=True) for code in answer["allowed"]}
    op = {"op": "repair", "options": dict(options), "mended": answer["mended"]}
    if any(one["chosen"] == LEAVE for one in answer["decisions"]) and options.get("noise") != MEND:
        # What was asked and not answered stays asked: the next repair has no square metre of its own.
        op["quiet_m2"] = answer["quiet_m2"]
    if rules:
        op["rules"] = [_rule_json(rule) for rule in rules]
    meant = {code: shapely.from_wkb(wkb) for code, wkb in answer["meant"].items()}
    done = perform(
        session,
        drafts,
        plan,
        draft,
        replace(drawn, rows={**drawn.rows, **allowed}),
        op=op,
        by=by,
        began=began,
        meant=meant,
        forgiven=_was_told,
        ticket=ticket,
    )
    return done, _describe_proposal(draft.board, answer)


def _was_told(defect: Defect) -> bool:
    """Whether a defect comes of the repair itself: noise of its nodes, and parts that a person's choice left.

    The proposal said so, or it is thinner than anybody draws; the next proposal mends it or asks.
    """
    return defect.class_ == "noise" or defect.kind == "multipart" or defect.kind in MENDED_AS_NOISE


def _sum_spent_m2(session: Session, plan: Plan) -> dict[str, float]:
    """By how much repairs have changed each grid unasked since nothing was left to decide, in m²."""
    made = select(PlanEdit.op).where(
        PlanEdit.plan_id == plan.id, PlanEdit.undone.is_(False), PlanEdit.op["op"].astext == "repair"
    )
    last = session.scalar(made.order_by(PlanEdit.seq.desc()).limit(1))
    return {} if last is None else dict(last.get("quiet_m2", {}))


def work(task: bytes) -> bytes:
    """The proposal for a task as `_work_out` writes it; runs in the child process."""
    asked = json.loads(task)
    whole = _partition(asked)
    # A grid that nobody drew yet, or that nobody can read, cannot be mended, and is no reason not to mend the others.
    drawn = [code for code in whole.codes if _is_readable(whole.polygon(code))]
    try:
        made = propose(
            drawn,
            whole.polygons[whole.rows(drawn)],
            frame=whole.frame,
            frame_from=asked["frame_from"],
            areas=whole.areas,
            home_of=homes_of(whole),
            tolerance=TOLERANCE,
            options=asked["options"],
            rules=[_rule(told) for told in asked["rules"]],
            parts_allowed=whole.parts_allowed,
            spent_m2=asked["spent_m2"],
        )
    except NotRepairable as refused:
        raise Unacceptable("not_repairable", where=refused.where, grid=refused.details.get("grid")) from refused
    except ValueError as refused:
        if not asked["options"]:
            raise
        raise Unacceptable("unknown_option", errors=[(["options"], "unknown_option")]) from refused
    return json.dumps(_answer(whole, made)).encode()


def _partition(asked: Mapping[str, Any]) -> Partition:
    return Partition.of(
        asked["codes"],
        objects(None if wkb is None else shapely.from_wkb(wkb) for wkb in asked["polygons"]),
        parents=asked["parents"],
        frame=None if asked["frame"] is None else shapely.from_wkb(asked["frame"]),
        areas={code: shapely.from_wkb(wkb) for code, wkb in asked["areas"].items()},
        parts_allowed=asked["parts_allowed"],
    )


def _is_readable(shape: BaseGeometry | None) -> bool:
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        return False
    return shape.is_valid or structure_of(shape) is not None


def _answer(whole: Partition, made: Repair) -> dict[str, Any]:
    change = _put_below_areas(whole, change_of(whole, made))
    after = replace(whole.replace(change), parts_allowed=whole.parts_allowed | made.allowed)
    report = check(after, tolerance=TOLERANCE)
    return {
        "polygons": {code: _hex(shape) for code, shape in {**change.changed, **change.added}.items()},
        "areas": {code: _hex(ring) for code, ring in change.areas.items()},
        "meant": {code: _hex(shape) for code, shape in made.meant.items()},
        "frame": None if change.frame is None else _hex(change.frame),
        "allowed": sorted(made.allowed),
        "differences": [asdict(difference) for difference in made.differences],
        "decisions": [_decision(decision) for decision in (*made.decisions, *made.parts)],
        "mended": dict(made.mended),
        "quiet_m2": {code: round(area_m2, 6) for code, area_m2 in made.quiet_m2.items()},
        "left": report.summary()["by_kind"],
        "ok": report.ok,
    }


def _put_below_areas(whole: Partition, change: Change) -> Change:
    """The change with each new grid below the lowest area in whose ring it lies, as `community_at` will find it."""
    parents: dict[str, str] = {}
    for code, shape in change.added.items():
        assert shape is not None, "a repair makes no empty grids"
        inner = shapely.point_on_surface(shape)
        holding = [area for area, ring in whole.areas.items() if ring.is_valid and ring.intersects(inner)]
        if holding:
            parents[code] = max(holding, key=lambda area: (len(whole.ancestors(area)), area))
    return replace(change, parents=parents)


def _rule_json(rule: Rule) -> dict[str, Any]:
    told = {name: value for name, value in asdict(rule).items() if value}
    # JSON knows no infinity.
    return {name: value for name, value in told.items() if value != math.inf}


def _rule(told: Mapping[str, Any]) -> Rule:
    lists = {name: tuple(told.get(name, ())) for name in ("choose", "codes")}
    return Rule(**{**told, **lists})


def _hex(shape: BaseGeometry | None) -> str:
    return str(shapely.to_wkb(shape, hex=True))


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


def _work_out(
    plan: Plan, board: Board, options: Mapping[str, str], rules: Sequence[Rule], *, spent_m2: Mapping[str, float]
) -> dict[str, Any]:
    partition = board.partition
    wkb = np.asarray(shapely.to_wkb(partition.polygons, hex=True), dtype=object)
    above = {code for tile in partition.codes for code in (tile, *partition.ancestors(tile))} | set(partition.areas)
    task = {
        "codes": list(partition.codes),
        "polygons": wkb.tolist(),
        "parents": {code: parent for code, parent in partition.parents.items() if code in above},
        "frame": None if partition.frame is None else _hex(partition.frame),
        "frame_from": plan.frame_from,
        "areas": {code: _hex(ring) for code, ring in partition.areas.items()},
        "parts_allowed": sorted(partition.parts_allowed),
        "options": {name: _NEW if value.startswith(f"{_NEW}:") else value for name, value in options.items()},
        "rules": [_rule_json(rule) for rule in rules],
        "spent_m2": dict(spent_m2),
    }
    limits = LIMITS.scale_to_vertices(int(shapely.get_num_coordinates(partition.polygons).sum()))
    try:
        answer = sandbox.run(WORK, json.dumps(task).encode(), room=Room(limits=limits))
    except Unacceptable as refused:
        if refused.where is not None:
            refused.where = board.plane.to_degrees(refused.where)
        raise
    told: dict[str, Any] = json.loads(answer)
    return told


def _change(board: Board, answer: Mapping[str, Any]) -> Change:
    """The change under the decisions' ids as codes of new grids."""
    shapes = {code: shapely.from_wkb(wkb) for code, wkb in answer["polygons"].items()}
    return Change(
        changed={code: shape for code, shape in shapes.items() if code in board.partition.row_of},
        added={code: shape for code, shape in shapes.items() if code not in board.partition.row_of},
        frame=None if answer["frame"] is None else shapely.from_wkb(answer["frame"]),
        areas={code: shapely.from_wkb(wkb) for code, wkb in answer["areas"].items()},
    )


def _give_codes(table: DrawingTable, change: Change, decisions: Sequence[Mapping[str, Any]]) -> Move:
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
    return Move(replace(change, added=added, parents=parents), fresh=fresh)


def _describe_proposal(board: Board, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The proposal for a person: places in degrees, without the polygons; how many decisions are open, by kind."""
    places = board.plane.to_degrees(objects(shapely.from_wkb(one["where"]) for one in answer["decisions"]))
    shown = np.asarray(shapely.to_geojson(places), dtype=object).tolist()
    decisions = [{**one, "where": json.loads(place)} for one, place in zip(answer["decisions"], shown, strict=True)]
    kept = {name: answer[name] for name in ("ok", "differences", "mended", "left")}
    return {**kept, "decisions": decisions, "open": _open(decisions)}


def _open(decisions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    kinds = [one["kind"] for one in decisions if one["chosen"] == "leave"]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}
