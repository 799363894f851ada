"""A proposal that lies with its job, put into a draft as it was seen: one edit, on the ground that it was made for."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.chronicle import Ticket
from layers.dividing.applying import apply_to, shapes_of
from layers.dividing.asking import DivisionAsked
from layers.dividing.plan_ground import PlanGround, load_ground
from layers.errors import Conflict, NotFound
from layers.planning.edits.editing import Edited, lock_draft
from layers.planning.memory.draft_cache import DraftMemory, open_locked_draft
from layers.planning.state.board import Board
from tiling.divide import Figures, Proposal, ProposedGrid, Role, nodes_between, rows_of
from tiling.plane import Plane

Feature = Mapping[str, Any]


def mark_of(board: Board, area: str) -> str:
    """What tells whether the ground below an area is still the same: its tiles, their shapes, and which are locked."""
    told = hashlib.sha256()
    if area in board.partition:
        for tile in sorted(board.partition.list_finest(area)):
            row, shape = board.rows[board.grid_of(tile)], board.partition.polygon(tile)
            told.update(f"{tile} {row.locked} {row.kind}\n".encode())
            told.update(b"" if shape is None else shapely.to_wkb(shapely.normalize(shape)))
    return told.hexdigest()


def apply_kept(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    result: Mapping[str, Any],
    *,
    asked: DivisionAsked,
    profile: str,
    version: int,
    by: Actor,
    ticket: Ticket | None = None,
) -> Edited:
    """The edit that puts a proposal of a finished job into a draft, one step to undo; nothing is searched again.

    Edits elsewhere do not matter. Raises Conflict `ground_has_changed` where the ground is not the one that was
    divided, NotFound `no_such_proposal`, and what `planning.edit` raises.
    """
    began = time.perf_counter()
    kept = next((one for one in result["proposals"] if one["profile"] == profile), None)
    if kept is None:
        raise NotFound("no_such_proposal", profile=profile)
    require_area(by, asked.area)
    plan = lock_draft(session, plan_id, version=version, by=by)
    draft = open_locked_draft(session, drafts, plan)
    if result.get("ground") != mark_of(draft.board, asked.area):
        raise Conflict("ground_has_changed", area=asked.area)
    ground = load_ground(session, draft.board, asked)
    proposal = _restore(kept, ground, draft.board.plane)
    return apply_to(
        session, drafts, plan, draft, proposal,
        ground=ground, asked=asked, profile=profile, by=by, began=began, ticket=ticket,
    )  # fmt: skip


def _restore(kept: Mapping[str, Any], ground: PlanGround, plane: Plane) -> Proposal:
    """The proposal as it was: its shapes come back to the lattice exactly, the nodes follow from them ([S1])."""
    grids = _grids(kept["grids"]["features"], plane)
    subs = _grids(kept["sub_grids"]["features"], plane)
    site = ground.site
    told: dict[str, Any] = {name: math.nan if value is None else value for name, value in kept["figures"].items()}
    return Proposal(
        grids=grids,
        sub_grids=subs,
        grid_of=rows_of(shapes_of(grids), site.buildings),
        sub_grid_of=rows_of(shapes_of(subs), site.buildings),
        areas=site.areas,
        locked=site.locked,
        nodes=nodes_between(site, grids),
        figures=Figures(**told),
        remarks=(),
        cost=math.nan,
        complete=bool(kept["complete"]),
    )


def _grids(features: Sequence[Feature], plane: Plane) -> tuple[ProposedGrid, ...]:
    drawn = np.empty(len(features), dtype=object)
    drawn[:] = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    shapes = np.asarray(plane.to_metres(drawn), dtype=object)
    return tuple(_grid(feature["properties"], shape) for feature, shape in zip(features, shapes, strict=True))


def _grid(told: Mapping[str, Any], shape: Any) -> ProposedGrid:
    role = Role(told["role"])
    return ProposedGrid(
        told["code"], told["area"], role, shape, float(told["weight"]), int(told["buildings"]), told["parent"]
    )
