"""Editing a draft over HTTP ([P2], [P3], [S10]): one operation at a time, undo, redo, rebase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import orjson
from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry.base import BaseGeometry

from gis_api.answers import plans as answers
from gis_api.answers import shown
from gis_api.dependencies import IfMatch, Planner, Tx, etag
from gis_api.geojson import datum_of, in_wgs84, parse_geometry, parse_patches
from gis_api.large_bodies import PatientRoute
from gis_api.routes.plans.doors import JSON, PlanId
from gis_api.routes.plans.once import Ticket_, find_answer
from layers import planning
from layers.grids import GridKind
from layers.planning.edits import operations as ops

router = APIRouter(tags=["plans"], route_class=PatientRoute)
# A carve comes from a drawing or from somebody's layer; more than this is no grid.
MOST_VERTICES = 100_000

Code = Annotated[str, Field(min_length=1, max_length=60)]
Name = Annotated[str, Field(max_length=200)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Place = tuple[Lon, Lat]


class Asked(BaseModel):
    """What every operation may state."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    placed: ClassVar[bool] = True
    datum: str | None = Field(None, max_length=20)


class MoveVertex(Asked):
    """Move a shared vertex; `from` is its stored position."""

    op: Literal["move_vertex"]
    at: Place = Field(alias="from")
    to: Place

    def operation(self, datum: str) -> ops.Operation:
        return ops.MoveVertex(at=in_wgs84(*self.at, datum), to=in_wgs84(*self.to, datum))


class InsertVertex(Asked):
    """Put a vertex on the border at `at` and move it to `to`."""

    op: Literal["insert_vertex"]
    at: Place
    to: Place

    def operation(self, datum: str) -> ops.Operation:
        return ops.InsertVertex(at=in_wgs84(*self.at, datum), to=in_wgs84(*self.to, datum))


class DeleteVertex(Asked):
    """Take a vertex out of every ring that has it."""

    op: Literal["delete_vertex"]
    at: Place

    def operation(self, datum: str) -> ops.Operation:
        return ops.DeleteVertex(at=in_wgs84(*self.at, datum))


class RedrawBorder(Asked):
    """Let the border between two grids run along a line."""

    op: Literal["redraw_border"]
    left: Code
    right: Code
    line: dict[str, Any]

    def operation(self, datum: str) -> ops.Operation:
        return ops.RedrawBorder(left=self.left, right=self.right, line=_line(self.line, datum))


class Split(Asked):
    """Cut a grid along a line."""

    op: Literal["split"]
    code: Code
    line: dict[str, Any]
    name: Name | None = None

    def operation(self, datum: str) -> ops.Operation:
        return ops.Split(code=self.code, line=_line(self.line, datum), name=self.name)


class Merge(Asked):
    """Make one grid of neighbours."""

    placed = False
    op: Literal["merge"]
    codes: list[Code] = Field(min_length=2, max_length=200)

    def operation(self, datum: str) -> ops.Operation:  # noqa: ARG002 - no coordinates
        return ops.Merge(codes=tuple(self.codes))


class Carve(Asked):
    """A new grid that takes its area from those below; with `exclusive` false an overlay."""

    op: Literal["carve"]
    geometry: dict[str, Any]
    name: Name = ""
    kind: GridKind | None = None
    exclusive: bool = True
    group: Name | None = None
    parent: Code | None = None
    pieces_to: Code | None = None

    def operation(self, datum: str) -> ops.Operation:
        return ops.Carve(**self.drawn(datum), pieces_to=self.pieces_to)

    def drawn(self, datum: str) -> dict[str, Any]:
        usual = GridKind.base if self.exclusive else GridKind.dedicated
        return {
            "geometry": _polygon(self.geometry, datum),
            "name": self.name,
            "kind": self.kind or usual,
            "exclusive": self.exclusive,
            "group": self.group,
            "parent": self.parent,
        }


class Add(Carve):
    """A new grid on ground that belongs to nobody."""

    op: Literal["add"]  # type: ignore[assignment]

    def operation(self, datum: str) -> ops.Operation:
        return ops.Add(**self.drawn(datum))


class Give(Asked):
    """Give an area to a grid."""

    op: Literal["give"]
    geometry: dict[str, Any]
    to: Code
    pieces_to: Code | None = None

    def operation(self, datum: str) -> ops.Operation:
        return ops.Give(geometry=_patches(self.geometry, datum), to=self.to, pieces_to=self.pieces_to)


class Remove(Asked):
    """Remove a grid; its ground goes to `into`."""

    placed = False
    op: Literal["remove"]
    code: Code
    into: Code | None = None

    def operation(self, datum: str) -> ops.Operation:  # noqa: ARG002 - no coordinates
        return ops.Remove(code=self.code, into=self.into)


class FillGap(Asked):
    """Give the gap at a point to a grid beside it."""

    op: Literal["fill_gap"]
    where: dict[str, Any]
    into: Code

    def operation(self, datum: str) -> ops.Operation:
        point = parse_geometry(self.where, datum=datum, kinds=("Point",))
        (lon, lat), *_ = point.coords
        return ops.FillGap(where=(lon, lat), into=self.into)


class Reshape(Asked):
    """Give an overlay another outline."""

    op: Literal["reshape"]
    code: Code
    geometry: dict[str, Any]

    def operation(self, datum: str) -> ops.Operation:
        return ops.Reshape(code=self.code, geometry=_polygon(self.geometry, datum))


class SetAttributes(Asked):
    """Rename a grid, change its code or what it is; members that are not sent stay.

    With `exclusive` false a tile becomes an overlay and `into` gets its ground, with true an overlay becomes a tile.
    """

    placed = False
    op: Literal["set"]
    code: Code
    new_code: Code | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    kind: GridKind | None = None
    exclusive: bool | None = None
    into: Code | None = None
    pieces_to: Code | None = None
    group: Name | None = None
    parts_allowed: bool | None = None
    locked: bool | None = None

    def operation(self, datum: str) -> ops.Operation:  # noqa: ARG002 - no coordinates
        beside = {"op", "code", "datum", "new_code", "into", "pieces_to"}
        sent = self.model_dump(exclude_unset=True, exclude=beside)
        values = {"group_name" if key == "group" else key: value for key, value in sent.items()}
        # A group may be taken away; nothing else may be null.
        kept = {key: value for key, value in values.items() if value is not None or key == "group_name"}
        ways = {"new_code": self.new_code, "into": self.into, "pieces_to": self.pieces_to}
        return ops.SetAttributes(code=self.code, values=kept, **ways)


class Decisions(BaseModel):
    """What becomes of changes in conflict, by the id of their group: given up, or given up and drawn again by hand."""

    model_config = ConfigDict(extra="forbid")
    decisions: dict[Annotated[str, Field(max_length=60)], Literal["skip", "redo"]] = Field(
        default_factory=dict, max_length=5_000
    )


Edit = Annotated[
    MoveVertex
    | InsertVertex
    | DeleteVertex
    | RedrawBorder
    | Split
    | Merge
    | Carve
    | Add
    | Give
    | Remove
    | FillGap
    | Reshape
    | SetAttributes,
    Body(discriminator="op"),
]


def _line(sent: Mapping[str, Any], datum: str) -> BaseGeometry:
    return parse_geometry(sent, datum=datum, kinds=("LineString",), most_vertices=MOST_VERTICES)


def _patches(sent: Mapping[str, Any], datum: str) -> BaseGeometry:
    return parse_patches(sent, datum=datum, most_vertices=MOST_VERTICES)


def _polygon(sent: Mapping[str, Any], datum: str) -> BaseGeometry:
    return parse_geometry(sent, datum=datum, most_vertices=MOST_VERTICES)


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
        "report": _changes(done) if extent == "changes" else _whole(done.report),
        "added": done.added,
        "cleared": done.cleared,
        "took_ms": done.took_ms,
        **more,
    }
    return Response(orjson.dumps(body), headers={"ETag": etag(done.version)}, media_type=JSON)


def _changes(done: planning.Edited) -> dict[str, Any]:
    come = [orjson.Fragment(defect.text) for defect in done.come]
    return {"ok": done.draft.report.ok, "come": come, "gone": done.gone, "summary": done.summary}


def _whole(report: dict[str, Any]) -> dict[str, Any]:
    return report | {"defects": [orjson.Fragment(defect.text) for defect in report["defects"]]}


@router.post("/api/v1/plans/{plan_id}/edits", responses=shown(answers.Edited), response_class=Response)
def edit_plan(
    tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, ticket: Ticket_, edit: Edit, report: Extent = "whole"
) -> Response:
    """Do one operation on a draft; answers the changed grids and the report of the whole plan."""
    # An operation without coordinates needs no datum, not even from a key that has none.
    operation = edit.operation(datum_of(by, edit.datum) if edit.placed else "wgs84")
    made = find_answer(tx, plan_id, ticket, version=version, by=by)
    return made or tell_edit(planning.edit(tx, plan_id, operation, version=version, by=by), report)


@router.post("/api/v1/plans/{plan_id}/undo", responses=shown(answers.Edited), response_class=Response)
def undo_edit(
    tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, ticket: Ticket_, report: Extent = "whole"
) -> Response:
    """Take back the last edit of a draft, whoever made it; `by` says whose it was."""
    made = find_answer(tx, plan_id, ticket, version=version, by=by)
    return made or tell_edit(planning.undo(tx, plan_id, version=version, by=by), report)


@router.post("/api/v1/plans/{plan_id}/redo", responses=shown(answers.Edited), response_class=Response)
def redo_edit(
    tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, ticket: Ticket_, report: Extent = "whole"
) -> Response:
    """Make the edit again that was taken back last."""
    made = find_answer(tx, plan_id, ticket, version=version, by=by)
    return made or tell_edit(planning.redo(tx, plan_id, version=version, by=by), report)


@router.post("/api/v1/plans/{plan_id}/rebase", responses=shown(answers.Edited), response_class=Response)
def rebase_plan(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, body: Decisions | None = None) -> Response:
    """Put a draft onto the latest published plan; 409 with `groups` names the changes that somebody must decide."""
    decisions = body.decisions if body is not None else {}
    return tell_edit(planning.rebase(tx, plan_id, version=version, decisions=decisions, by=by))
