"""Putting a draft onto a newer published plan ([P1]): what is decided is done, what clashes is named and shown."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import shapely
from sqlalchemy import delete
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.errors import Conflict, Unacceptable
from layers.grids import GridLevel
from layers.planning.edits.editing import Edited, build_happening, lock_draft, refuse_worse, tell
from layers.planning.edits.ledger import record
from layers.planning.edits.merging import Content, Decision, Group, Triple, find_near, groups_of, is_same, step_of
from layers.planning.memory.draft_cache import DraftMemory, OpenDraft, advance_draft, open_draft, open_locked_draft
from layers.planning.state.board import GridRow
from layers.planning.state.loading import Stored, read_area_names, read_frame, read_rings, read_rows
from layers.planning.state.row_changes import Move, RowChanges, move_to
from layers.plans import Plan, PlanEdit, find_latest, get_plan

UNDECIDED: Mapping[str, Decision] = MappingProxyType({})


@dataclass(frozen=True)
class Meeting:
    """A draft and the plan that it shall stand on, and how its changes come together with that one's."""

    plan: Plan
    latest: Plan
    triple: Triple
    groups: tuple[Group, ...]

    def list_kept(self, decisions: Mapping[str, Decision]) -> list[Group]:
        """The groups that stay as they were drawn."""
        return [group for group in self.groups if group.reason is None or group.id not in decisions]

    def list_undecided(self, decisions: Mapping[str, Decision]) -> list[Group]:
        """The groups in conflict about which nothing was said."""
        return [group for group in self.groups if group.reason is not None and group.id not in decisions]


def rebase(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    *,
    version: int,
    by: Actor,
    decisions: Mapping[str, Decision] = UNDECIDED,
) -> Edited:
    """What the newer plan brought into the draft, which stands on it from now on.

    Grids that only the newer plan changed are taken from there, those that only the draft changed stay. A group of
    changes in conflict is given up when it is decided `skip`, or given up and remembered for drawing again when it is
    `redo`. Raises Conflict naming the groups that are not decided; Conflict too where the draft stands on the latest
    plan already. The history of edits begins anew: what came from the newer plan cannot be undone.
    """
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    require_area(by, plan.district)
    draft = open_locked_draft(session, drafts, plan)
    meeting, step, move = _agree(session, draft, _meet(session, plan), decisions)
    fresh, _ = advance_draft(session, draft, move)
    step.write(session, plan.id)
    session.execute(delete(PlanEdit).where(PlanEdit.plan_id == plan.id))
    plan.based_on = meeting.latest.id
    _remember(meeting, decisions)
    op = {"op": "rebase", "onto": str(meeting.latest.id)}
    happening = build_happening("rebase", op, step, states=(draft, fresh), author=by.name)
    details = {"onto": meeting.latest.id, "decisions": dict(decisions)}
    newer = record(session, drafts, plan, fresh, happening, details=details, by=by)
    return tell((draft, newer), happening, op, step, began=began)


def _meet(session: Session, plan: Plan) -> Meeting:
    latest = find_latest(session, plan.district)
    if latest is None or latest.id == plan.based_on:
        raise Conflict("base_is_latest", plan=plan.id)
    base = _content(session, plan.based_on) if plan.based_on is not None else Content({}, {}, None)
    triple = Triple(base, _content(session, plan.id), _content(session, latest.id))
    return Meeting(plan, latest, triple, tuple(groups_of(triple)))


def _content(session: Session, plan_id: int) -> Content:
    rows = {stored[0].code: stored for stored in read_rows(session, plan_id)}
    return Content(rows, read_rings(session, plan_id), read_frame(session, plan_id))


def _agree(
    session: Session, draft: OpenDraft, meeting: Meeting, decisions: Mapping[str, Decision]
) -> tuple[Meeting, RowChanges, Move]:
    """The step that the decisions lead to; raises Conflict while there is anything left to decide."""
    found = _try_meeting(session, draft, meeting, decisions)
    if isinstance(found, Meeting):
        open_ = found.list_undecided(decisions)
        codes = sorted({code for group in open_ for code in group.clashes or group.codes})
        raise Conflict("rebase_conflicts", conflicts=codes, groups=[_group_json(group) for group in open_])
    return found


def _try_meeting(
    session: Session, draft: OpenDraft, meeting: Meeting, decisions: Mapping[str, Decision]
) -> Meeting | tuple[Meeting, RowChanges, Move]:
    """The step, or the meeting with what is still undecided: what breaks only together is found by trying."""
    while not meeting.list_undecided(decisions):
        step = step_of(meeting.triple, meeting.list_kept(decisions))
        move = move_to(draft.board, step)
        try:
            refuse_worse(draft, advance_draft(session, draft, move)[0], move)
        except Unacceptable as worse:
            meeting = _mark_broken(meeting, decisions, worse)
        else:
            return meeting, step, move
    return meeting


def _mark_broken(meeting: Meeting, decisions: Mapping[str, Decision], worse: Unacceptable) -> Meeting:
    """The meeting with those groups in conflict that stand where both plans together would break the map."""
    kept = meeting.list_kept(decisions)
    there = kept if worse.where is None else find_near(kept, meeting.triple, worse.where)
    if not there:
        raise Conflict("rebase_conflicts", where=worse.where, conflicts=[], groups=[]) from worse
    guilty = {group.id for group in there}
    groups = (replace(one, reason="breaks") if one.id in guilty else one for one in meeting.groups)
    return replace(meeting, groups=tuple(groups))


def _remember(meeting: Meeting, decisions: Mapping[str, Decision]) -> None:
    """Keep the shapes of what somebody means to draw again; they are shown until they are ticked off."""
    left = dict(meeting.plan.to_redo or {})
    for group in meeting.groups:
        if group.reason is not None and decisions.get(group.id) == "redo":
            left |= {code: _describe_left(meeting.triple.own.rows.get(code)) for code in group.codes}
    meeting.plan.to_redo = left or None


def _describe_left(stored: Stored | None) -> dict[str, Any]:
    if stored is None:
        return {"name": None, "geometry": None}
    return {"name": stored[0].name, "geometry": json.loads(shapely.to_geojson(shapely.from_wkb(stored[1])))}


def preview_rebase(session: Session, drafts: DraftMemory, plan_id: int, *, by: Actor) -> dict[str, Any]:
    """What a rebase would bring, and the groups in conflict with both sides' shapes; nothing is changed.

    Raises NotFound, and Conflict where the draft stands on the latest plan already or is no draft.
    """
    plan = get_plan(session, plan_id, by=by)
    if plan.state != "draft":
        raise Conflict("not_a_draft", plan=plan_id, state=plan.state)
    found = _try_meeting(session, open_draft(session, drafts, plan), _meet(session, plan), UNDECIDED)
    meeting = found if isinstance(found, Meeting) else found[0]
    triple, open_ = meeting.triple, meeting.list_undecided(UNDECIDED)
    clashing = {code for group in open_ for code in group.codes}
    names = read_area_names(session, plan.id)
    return {
        "plan": str(plan.id),
        "version": plan.version,
        "onto": {"id": str(meeting.latest.id), "plan_version": meeting.latest.plan_version},
        "incoming": _features(triple.theirs, triple.base, triple.list_new() - clashing),
        "kept": _features(triple.own, triple.base, triple.mine() - clashing),
        "gone": {
            "incoming": _describe_gone(names, triple.theirs, triple.base, triple.list_new() - clashing),
            "kept": _describe_gone(names, triple.own, triple.base, triple.mine() - clashing),
        },
        "conflicts": [
            {
                **_group_json(group),
                "yours": _features(triple.own, triple.base, group.codes),
                "theirs": _features(triple.theirs, triple.base, {*group.codes} & triple.list_new()),
                "gone": {
                    "yours": _describe_gone(names, triple.own, triple.base, group.codes),
                    "theirs": _describe_gone(names, triple.theirs, triple.base, {*group.codes} & triple.list_new()),
                },
            }
            for group in open_
        ],
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {"id": group.id, "codes": list(group.codes), "clashes": list(group.clashes), "reason": group.reason}


def _features(content: Content, base: Content, codes: Collection[str]) -> dict[str, Any]:
    """The changed rows of one side; what it removed is shown with the shape that it had."""
    features = []
    for code in sorted(codes):
        stored, before = content.rows.get(code), base.rows.get(code)
        shown = stored or before
        if shown is None or is_same(stored, before):
            continue
        change = "removed" if stored is None else "added" if before is None else _change(stored, before)
        geometry = json.loads(shapely.to_geojson(shapely.from_wkb(shown[1])))
        properties = {"code": code, "name": shown[0].name, "level": shown[0].level, "change": change}
        features.append({"type": "Feature", "id": code, "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _describe_gone(
    names: Mapping[str, str], content: Content, base: Content, codes: Collection[str]
) -> list[dict[str, Any]]:
    """What one side removed, by community: how many grids, sub-grids and overlays, and their codes."""
    found: dict[str | None, list[GridRow]] = {}
    for code in sorted(codes):
        if code not in content.rows and code in base.rows:
            row = base.rows[code][0]
            found.setdefault(_community_of(base, row), []).append(row)
    return [
        {
            "community": community,
            "name": names.get(community or "", community),
            "grids": sum(row.level == GridLevel.grid and row.exclusive for row in rows),
            "sub_grids": sum(row.level == GridLevel.sub_grid for row in rows),
            "overlays": sum(not row.exclusive for row in rows),
            "codes": [row.code for row in rows],
        }
        for community, rows in sorted(found.items(), key=lambda one: one[0] or "")
    ]


def _community_of(base: Content, row: GridRow) -> str | None:
    grid = base.rows.get(row.parent_code or "")
    return row.parent_code if grid is None else grid[0].parent_code


def _change(now: Stored, before: Stored) -> str:
    return "reshaped" if now[1] != before[1] else "renamed"


def tick_redone(session: Session, plan_id: int, codes: Collection[str], *, version: int, by: Actor) -> Plan:
    """The draft with these grids taken off the list of what is to be drawn again."""
    plan = lock_draft(session, plan_id, version=version, by=by)
    left = {code: told for code, told in (plan.to_redo or {}).items() if code not in set(codes)}
    plan.to_redo = left or None
    session.flush()
    return plan
