"""The published state as GeoJSON: areas, grids, buildings, hazards, devices, within the caller's area."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from gis_api.answers import shown
from gis_api.answers.geojson import FeaturesPage
from gis_api.dependencies import AnyRole, AskedBox, Now, Read, role_door
from gis_api.paging import key_of, link_after_key, wrong_cursor
from gis_api.strict_routes import StrictRoute
from layers import published
from layers.access import Actor, Role, require_visible

router = APIRouter(tags=["published"], route_class=StrictRoute)
GEOJSON = "application/geo+json"
NEXT = "after"

# Points of single hazards are not for leaders, who look at counts ([A3]); devices tell where lone elders live.
PointReader = Annotated[Actor, Depends(role_door(*(role for role in Role if role is not Role.leader)))]
DeviceReader = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]
SEE_HOUSEHOLDS = {Role.planner, Role.admin}


class _Question:
    """The parameters that every list here has."""

    def __init__(
        self,
        request: Request,
        box: AskedBox,
        area: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        after: Annotated[str | None, Query(description="from a `next` link", max_length=400)] = None,
    ) -> None:
        self.request = request
        self.area, self.limit = area, limit
        self.box, self.after = box, key_of(after, name=NEXT)


Question = Annotated[_Question, Depends(_Question)]


def _answer(tx: Read, name: str, by: Actor, *, asked: _Question, now: Now) -> Response:
    area = by.area if asked.area is None else asked.area
    require_visible(by, area)
    after = asked.after
    if after is not None and not published.is_key(name, after):
        raise wrong_cursor(NEXT)
    page = published.read_page(tx, name, area=area, at=now, limit=asked.limit, box=asked.box, after=after)
    link = "null" if page.after is None else f'"{link_after_key(asked.request, NEXT, page.after)}"'
    body = f'{{"type":"FeatureCollection","features":[{",".join(page.features)}],"next":{link}}}'
    return Response(body, media_type=GEOJSON)


@router.get("/api/v1/areas", responses=shown(FeaturesPage, media=GEOJSON), response_class=Response)
def read_areas(tx: Read, by: AnyRole, now: Now, asked: Question) -> Response:
    """Districts, subdistricts and communities with their boundaries."""
    return _answer(tx, "areas", by, asked=asked, now=now)


@router.get("/api/v1/grids", responses=shown(FeaturesPage, media=GEOJSON), response_class=Response)
def read_grids(tx: Read, by: AnyRole, now: Now, asked: Question) -> Response:
    """The grids and sub-grids in force."""
    return _answer(tx, "grids", by, asked=asked, now=now)


@router.get("/api/v1/buildings", responses=shown(FeaturesPage, media=GEOJSON), response_class=Response)
def read_buildings(tx: Read, by: AnyRole, now: Now, asked: Question) -> Response:
    """Building footprints; with their households for planners."""
    name = "buildings_with_households" if by.role in SEE_HOUSEHOLDS else "buildings"
    return _answer(tx, name, by, asked=asked, now=now)


@router.get("/api/v1/hazards", responses=shown(FeaturesPage, media=GEOJSON), response_class=Response)
def read_hazards(tx: Read, by: PointReader, now: Now, asked: Question) -> Response:
    """Hazards that do not derive from residents, as points; not for leaders."""
    return _answer(tx, "hazards", by, asked=asked, now=now)


@router.get("/api/v1/devices", responses=shown(FeaturesPage, media=GEOJSON), response_class=Response)
def read_devices(tx: Read, by: DeviceReader, now: Now, asked: Question) -> Response:
    """SOS buttons and sensors: personal, for those who answer them."""
    return _answer(tx, "devices", by, asked=asked, now=now)
