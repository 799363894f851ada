"""The coverage certificate of a published plan ([P1]): what was checked, who answers for it, and two digests.

`rows_sha256` covers the stored grids and can be computed again by anybody who has them, also from the GeoJSON that
`GET /api/v1/plans/{id}/grids` answers (`wangge check GRIDS --certificate FILE` does it):

    SHA-256 over all grids and sub-grids in the order of the bytes of their codes, for each of them
    code, NUL, parent code (nothing where there is none), NUL, kind, NUL, all as UTF-8, then the shape:
    a MultiPolygon in lon/lat as 2D WKB (OGC 06-103r4), little endian, rings and vertices in the order they are stored.

`sha256` covers the certificate itself: its JSON without this member, keys sorted, no spaces, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.errors import NotFound, Unacceptable
from layers.grids import Grid
from layers.planning.comparison.succession import UNSERVED, Succession
from layers.planning.report.draft_report import TOLERANCE
from layers.planning.state.board import Board
from layers.plans import Plan, PlanEdit, get_plan

RECIPE = "wangge-rows-1"
Row = tuple[str, str | None, str, bytes]
"""Code, parent's code, kind and WKB of a grid."""


def certify(
    session: Session, plan: Plan, report: Mapping[str, Any], *, people: Succession, board: Board
) -> dict[str, Any]:
    """The certificate of a plan that has just been numbered."""
    assert plan.published_at is not None and plan.in_force is not None and plan.in_force.lower is not None
    unserved = [line.grid for line in people.lines if line.grid in people.unserved]
    content = {
        "plan": str(plan.id),
        "district": plan.district,
        "title": plan.title,
        "plan_version": plan.plan_version,
        "base": _base(session, plan),
        "counts": report["summary"],
        "areas": _areas(board),
        "tolerances": {
            "snap_m": TOLERANCE.snap_m,
            "sliver_m": TOLERANCE.sliver_m,
            "contained_share": TOLERANCE.contained_share,
        },
        "warnings_acknowledged": _count_acknowledged(plan, report, unserved=len(unserved)),
        "edited_by": list(plan.editors),
        "edits": _edits(session, plan.id),
        "created_by": plan.created_by,
        "created_at": plan.created_at.isoformat(),
        "submitted_by": plan.submitted_by,
        "submitted_at": None if plan.submitted_at is None else plan.submitted_at.isoformat(),
        "published_by": plan.published_by,
        "published_at": plan.published_at.isoformat(),
        "effective_at": plan.in_force.lower.isoformat(),
        "rows_recipe": RECIPE,
        "rows_sha256": digest_of(_rows(session, plan.id)),
    }
    return {**content, "sha256": digest_of_content(content)}


def _base(session: Session, plan: Plan) -> dict[str, Any] | None:
    base = None if plan.based_on is None else session.get(Plan, plan.based_on)
    return None if base is None else {"plan": str(base.id), "plan_version": base.plan_version}


def _areas(board: Board) -> dict[str, float]:
    """The ground of the frame and of all tiles together, in m²: equal to the square metre in a complete tiling."""
    frame = board.partition.frame
    tiles = float(shapely.area(board.partition.polygons).sum())
    return {"frame_m2": round(float(frame.area) if frame is not None else tiles, 3), "grids_m2": round(tiles, 3)}


def _count_acknowledged(plan: Plan, report: Mapping[str, Any], *, unserved: int) -> dict[str, int]:
    numbers = {**report["summary"]["by_kind"], UNSERVED: unserved}
    return {kind: number for kind, number in numbers.items() if kind in plan.acknowledged}


def _edits(session: Session, plan_id: int) -> list[dict[str, Any]]:
    """How many edits each person made, and from when to when; a rebase begins the count anew."""
    of_plan = PlanEdit.plan_id == plan_id, PlanEdit.undone.is_(False)
    columns = (PlanEdit.by, func.count(), func.min(PlanEdit.at), func.max(PlanEdit.at))
    rows = session.execute(select(*columns).where(*of_plan).group_by(PlanEdit.by).order_by(PlanEdit.by))
    return [
        {"by": name, "edits": number, "first_at": first.isoformat(), "last_at": last.isoformat()}
        for name, number, first, last in rows
    ]


def _rows(session: Session, plan_id: int) -> Iterable[Row]:
    columns = (Grid.code, Grid.parent_code, Grid.kind, func.ST_AsBinary(Grid.geom, "NDR"))
    for code, parent, kind, shape in session.execute(select(*columns).where(Grid.plan_id == plan_id)):
        yield code, parent, kind, bytes(shape)


def digest_of(rows: Iterable[Row]) -> str:
    """The SHA-256 of a plan's grids, in hexadecimal digits, by the recipe at the top of this module."""
    digest = hashlib.sha256()
    for code, parent, kind, shape in sorted(rows, key=lambda row: row[0].encode()):
        digest.update(f"{code}\0{parent or ''}\0{kind}\0".encode())
        digest.update(shape)
    return digest.hexdigest()


def digest_of_content(content: Mapping[str, Any]) -> str:
    """The SHA-256 of a certificate's own content, in hexadecimal digits."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_of_features(collection: Mapping[str, Any]) -> str:
    """The SHA-256 of grids in GeoJSON, by the same recipe; raises Unacceptable for what is no list of grids."""
    try:
        return digest_of(_row_of(feature) for feature in collection["features"])
    except (KeyError, TypeError, shapely.errors.GEOSException) as wrong:
        raise Unacceptable("not_a_plan") from wrong


def _row_of(feature: Mapping[str, Any]) -> Row:
    told = feature["properties"]
    shape: BaseGeometry = shapely.from_geojson(json.dumps(feature["geometry"]))
    many = shapely.MultiPolygon([shape]) if isinstance(shape, shapely.Polygon) else shape
    return told["code"], told["parent"], told["kind"], shapely.to_wkb(many, byte_order=1, output_dimension=2)


def certificate_of(session: Session, plan_id: int, *, by: Actor) -> tuple[Plan, dict[str, Any]]:
    """A plan and its certificate; raises NotFound where there is no such plan, or where it was never published."""
    plan = get_plan(session, plan_id, by=by)
    if plan.certificate is None:
        raise NotFound("no_certificate", plan=plan_id)
    return plan, plan.certificate


def find_faults(certificate: Mapping[str, Any], collection: Mapping[str, Any]) -> list[str]:
    """Which digests of a certificate do not hold for these grids: `sha256`, `rows_sha256`; none where all is well."""
    content = {key: value for key, value in certificate.items() if key != "sha256"}
    faults = [] if certificate.get("sha256") == digest_of_content(content) else ["sha256"]
    same = certificate.get("rows_sha256") == digest_of_features(collection)
    return faults if same else [*faults, "rows_sha256"]
