"""Editing a draft over HTTP ([P2], [P3], [S10]): one operation at a time, undo, redo, rebase."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer
from gis_api.answers import plans as answers
from gis_api.dependencies import Drafts, IfMatch, Planner, Tx, etag
from gis_api.geojson import datum_of
from gis_api.large_bodies import PatientRoute
from gis_api.routes.plans.doors import JSON, PlanId
from gis_api.routes.plans.once import Ticket_, find_answer
from gis_api.routes.plans.operations import Edit
from layers import planning

router = APIRouter(tags=["plans"], route_class=PatientRoute)


class Decisions(BaseModel):
    """What becomes of changes in conflict, by the id of their group: given up, or given up and drawn again by hand."""

    model_config = ConfigDict(extra="forbid")
    decisions: dict[Annotated[str, Field(max_length=60)], Literal["skip", "redo"]] = Field(
        default_factory=dict, max_length=5_000
    )


Extent = Annotated[
    Literal["whole", "changes"],
    Query(description="`changes`: of the report only the defects that come, and the ids of those that are gone"),
]


def tell_edit(done: planning.Edited, extent: str = "whole", **more: Any) -> Response:
    """What an edit did, with the new version as ETag."""
    features = [orjson.Fragment(feature) for feature in planning.features_of(done.changed, targets=done.targets)]
    body = {
        "version": done.version,
        "op": done.op["op"],
        "by": done.by,
        "changed": features,
        "removed": done.removed,
        "report": _changes(done) if extent == "changes" else _embed_defects(done.report),
        "added": done.added,
        "cleared": done.cleared,
        "took_ms": done.took_ms,
        **more,
    }
    return Response(orjson.dumps(body), headers={"ETag": etag(done.version)}, media_type=JSON)


def _changes(done: planning.Edited) -> dict[str, Any]:
    come = [orjson.Fragment(defect.text) for defect in done.come]
    return {"ok": done.draft.report.ok, "come": come, "gone": done.gone, "summary": done.summary}


def _embed_defects(report: dict[str, Any]) -> dict[str, Any]:
    return report | {"defects": [orjson.Fragment(defect.text) for defect in report["defects"]]}


@router.post("/api/v1/plans/{plan_id}/edits", responses=declare_answer(answers.Edited), response_class=Response)
def edit_plan(
    tx: Tx,
    drafts: Drafts,
    by: Planner,
    plan_id: PlanId,
    version: IfMatch,
    ticket: Ticket_,
    edit: Edit,
    report: Extent = "whole",
) -> Response:
    """Do one operation on a draft; answers the changed grids and the report of the whole plan."""
    # An operation without coordinates needs no datum, not even from a key that has none.
    operation = edit.operation(datum_of(by, edit.datum) if edit.is_placed() else "wgs84")
    made = find_answer(tx, drafts, plan_id, ticket, version=version, by=by)
    return made or tell_edit(
        planning.edit(tx, drafts, plan_id, operation, version=version, by=by, ticket=ticket), report
    )


@router.post("/api/v1/plans/{plan_id}/undo", responses=declare_answer(answers.Edited), response_class=Response)
def undo_edit(
    tx: Tx, drafts: Drafts, by: Planner, plan_id: PlanId, version: IfMatch, ticket: Ticket_, report: Extent = "whole"
) -> Response:
    """Take back the last edit of a draft, whoever made it; `by` says whose it was."""
    made = find_answer(tx, drafts, plan_id, ticket, version=version, by=by)
    return made or tell_edit(planning.undo(tx, drafts, plan_id, version=version, by=by, ticket=ticket), report)


@router.post("/api/v1/plans/{plan_id}/redo", responses=declare_answer(answers.Edited), response_class=Response)
def redo_edit(
    tx: Tx, drafts: Drafts, by: Planner, plan_id: PlanId, version: IfMatch, ticket: Ticket_, report: Extent = "whole"
) -> Response:
    """Make the edit again that was taken back last."""
    made = find_answer(tx, drafts, plan_id, ticket, version=version, by=by)
    return made or tell_edit(planning.redo(tx, drafts, plan_id, version=version, by=by, ticket=ticket), report)


@router.post("/api/v1/plans/{plan_id}/rebase", responses=declare_answer(answers.Edited), response_class=Response)
def rebase_plan(
    tx: Tx, drafts: Drafts, by: Planner, plan_id: PlanId, version: IfMatch, body: Decisions | None = None
) -> Response:
    """Put a draft onto the latest published plan; 409 with `groups` names the changes that somebody must decide."""
    decisions = body.decisions if body is not None else {}
    return tell_edit(planning.rebase(tx, drafts, plan_id, version=version, decisions=decisions, by=by))
