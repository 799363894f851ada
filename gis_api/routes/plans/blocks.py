"""The patches that the planner's brush paints: road blocks, or the ground of single buildings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gis_api.answers import declare_answer
from gis_api.answers.geojson import Features
from gis_api.dependencies import AskedBox, Patches, Planner, Read
from gis_api.routes.plans.doors import GEOJSON, PRIVATE, PlanId
from gis_api.strict_routes import StrictRoute
from layers.errors import Unacceptable
from layers.painting import By, list_patches

router = APIRouter(tags=["plans"], route_class=StrictRoute)


@router.get(
    "/api/v1/plans/{plan_id}/blocks", responses=declare_answer(Features, media=GEOJSON), response_class=Response
)
def read_blocks(
    tx: Read,
    kept: Patches,
    by: Planner,
    plan_id: PlanId,
    box: AskedBox,
    cut: Annotated[By, Query(alias="by", description="road blocks, or the ground of single buildings")] = By.block,
) -> Response:
    """The ground of every grid that reaches into a box, cut into patches with their buildings and households.

    The patches of a grid tile it; painted ones are given to another grid by the edit `give`, whose MultiPolygon may
    have parts that touch.
    """
    if box is None:
        raise Unacceptable("wrong_bbox", errors=[(["bbox"], "wrong_bbox")])
    features = b",".join(list_patches(tx, kept, plan_id, box=box, cut=cut, by=by))
    body = b'{"type":"FeatureCollection","features":[' + features + b"]}"
    return Response(body, media_type=GEOJSON, headers=PRIVATE)
