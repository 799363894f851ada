"""The grids of a plan as the planner's page takes them: packed, every vertex once."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gis_api.answers import declare_media
from gis_api.dependencies import Planner, Read
from gis_api.routes.plans.doors import PRIVATE, PlanId
from gis_api.strict_routes import StrictRoute
from layers import planning

router = APIRouter(tags=["plans"], route_class=StrictRoute)
TOPOLOGY = "application/vnd.wangge.topology"


@router.get("/api/v1/plans/{plan_id}/topology", responses=declare_media(TOPOLOGY), response_class=Response)
def read_topology(tx: Read, by: Planner, plan_id: PlanId) -> Response:
    """The same grids as `…/grids` in a quarter of the bytes, for the service's own pages; others read `…/grids`.

    The layout may change from one version of the service to the next.
    """
    return Response(planning.topology_of(tx, plan_id, by=by), media_type=TOPOLOGY, headers=PRIVATE)
