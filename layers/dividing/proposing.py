"""Proposals for a plan: loaded, searched, told, and put into the draft where that is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.dividing.applying import apply_proposal, shapes_of
from layers.dividing.asking import DivisionAsked
from layers.dividing.forecasting import forecast_of
from layers.dividing.keeping import mark_of
from layers.dividing.plan_ground import PlanGround, load_ground
from layers.dividing.telling import figures_as_json, proposal_as_json
from layers.errors import Unacceptable
from layers.planning.memory.draft_cache import DraftMemory, open_draft
from layers.planning.state.board import Board
from layers.plans import get_plan
from tiling.divide import Proposal, ProposedGrid, Role, divide, figures_of, measure_moved_share, rows_of, weights_by
from tiling.errors import CannotDivide

Progress = Callable[[str, float], None]
Stop = Callable[[], bool]


def divide_plan(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    asked: DivisionAsked,
    *,
    version: int | None = None,
    should_stop: Stop,
    progress: Progress,
    by: Actor,
) -> dict[str, Any]:
    """Proposals for an area of a plan, the first one's fields on top; with a version the first one is applied to it.

    Each has `figures`, `remarks`, `forecast`, `grids` and `sub_grids`; `today` is the forecast of the grids as they
    are, with their figures. `proposals` holds all of them by profile, `ground` says what they were made for. Raises
    what `load_ground` and `planning.edit` raise, and Unacceptable `cannot_divide`.
    """
    plan = get_plan(session, plan_id, by=by)
    require_area(by, asked.area)
    board = open_draft(session, drafts, plan).board
    progress("reading", 0.02)
    ground = load_ground(session, board, asked)
    made = _search_profiles(ground, board, asked, should_stop=should_stop, progress=progress)
    told = [{"profile": name, **_describe_proposal(proposal, ground, board)} for name, proposal in made.items()]
    today = _today(ground, asked, target=next(iter(made.values())).figures.target)
    mark = mark_of(board, asked.area)
    answer = {**told[0], "version": plan.version, "today": today, "proposals": told, "applied": None, "ground": mark}
    if version is not None:
        progress("storing", 0.93)
        first = made[asked.profiles[0]]
        done = apply_proposal(session, drafts, plan_id, first, ground=ground, asked=asked, version=version, by=by)
        answer |= {"version": done.version, "applied": _describe_applied(done)}
    return answer


def _search_profiles(
    ground: PlanGround, board: Board, asked: DivisionAsked, *, should_stop: Stop, progress: Progress
) -> dict[str, Proposal]:
    made: dict[str, Proposal] = {}
    share = 0.85 / len(asked.profiles)
    for number, profile in enumerate(asked.profiles):
        until = time.monotonic() + asked.seconds / len(asked.profiles)

        def is_over(until: float = until) -> bool:
            return time.monotonic() > until or should_stop()

        def tell(part: float, at: float = 0.05 + number * share) -> None:
            progress("dividing", at + part * share)

        rng = np.random.default_rng(asked.seed)
        try:
            made[profile] = divide(
                ground.site, asked.wishes(board, profile), rng=rng, should_stop=is_over, progress=tell
            )
        except CannotDivide as refused:
            where = None if refused.where is None else board.plane.to_degrees(refused.where)
            details: dict[str, Any] = dict(refused.details)
            raise Unacceptable("cannot_divide", where=where, **details) from refused
        except ValueError as wrong:
            # A community's own number may be smaller than what was asked for its sub-grids.
            raise Unacceptable("cannot_divide", why="contradiction") from wrong
        if should_stop():
            raise Unacceptable("work_stopped")
    return made


def _describe_proposal(proposal: Proposal, ground: PlanGround, board: Board) -> dict[str, Any]:
    forecast = forecast_of(shapes_of(proposal.grids), ground.incidents)
    columns = {"households": weights_by(proposal, ground.households).tolist(), "incidents": forecast["per_grid"]}
    told = proposal_as_json(_compare_households(proposal, ground), board.plane, columns)
    return {**told, "forecast": forecast, "households": sum(columns["households"])}


def _compare_households(proposal: Proposal, ground: PlanGround) -> Proposal:
    """The same with the share of households that change hands, told where the search began from nothing, too."""
    before = rows_of(list(ground.replaced.values()), ground.site.buildings)
    moved = measure_moved_share(before, proposal.grid_of, ground.households)
    return replace(proposal, figures=replace(proposal.figures, moved=moved))


def _today(ground: PlanGround, asked: DivisionAsked, *, target: float) -> dict[str, Any]:
    """The grids as they are, measured as the proposals are: the replayed year, and their figures."""
    site, held = ground.site, rows_of(list(ground.replaced.values()), ground.site.buildings)
    inside = held >= 0
    weights = np.bincount(held[inside], weights=site.weights[inside], minlength=len(ground.replaced))
    grids = [
        ProposedGrid(code, "", Role.base, shape, weight, 0)
        for (code, shape), weight in zip(ground.replaced.items(), weights.tolist(), strict=True)
    ]
    figures = figures_of(grids, site, target=target, tolerance=asked.tolerance, moved=0.0)
    return {**forecast_of(shapes_of(grids), ground.incidents), "figures": figures_as_json(figures)}


def _describe_applied(done: Any) -> dict[str, Any]:
    return {"version": done.version, "changed": [row.code for row, _ in done.changed], "removed": list(done.removed)}
