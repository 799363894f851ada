"""The published state as GeoJSON, within the caller's area: one route for each layer whose spec publishes something."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from gis_api.answers import declare_answer
from gis_api.answers.geojson import FeaturesPage
from gis_api.dependencies import AskedBox, Now, Read, role_door
from gis_api.paging import cursor_error, key_of, link_after_key
from gis_api.strict_routes import StrictRoute
from layers import published
from layers.access import Actor, Role, require_visible
from layers.registry import SPECS
from layers.specs import LayerSpec, Published

router = APIRouter(tags=["published"], route_class=StrictRoute)
GEOJSON = "application/geo+json"
NEXT = "after"


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


def _answer(tx: Read, spec: LayerSpec, layer: Published, *, asked: _Question, now: Now, by: Actor) -> Response:
    area = by.area if asked.area is None else asked.area
    require_visible(by, area)
    after = asked.after
    if after is not None and not published.is_key(layer, after):
        raise cursor_error(NEXT)
    page = published.read_page(tx, spec, layer, by=by, area=area, at=now, limit=asked.limit, box=asked.box, after=after)
    link = "null" if page.after is None else f'"{link_after_key(asked.request, NEXT, page.after)}"'
    body = f'{{"type":"FeatureCollection","features":[{",".join(page.features)}],"next":{link}}}'
    return Response(body, media_type=GEOJSON)


def _add_route(spec: LayerSpec, layer: Published) -> None:
    door = role_door(*(role for role in Role if role not in spec.hidden_from))

    def read(tx: Read, now: Now, asked: Question, by: Actor = Depends(door)) -> Response:
        return _answer(tx, spec, layer, asked=asked, now=now, by=by)

    router.add_api_route(
        f"/api/v1/{spec.name}",
        read,
        name=f"read_{spec.name}",
        description=layer.told,
        responses=declare_answer(FeaturesPage, media=GEOJSON),
        response_class=Response,
    )


for _spec in SPECS:
    if _spec.published is not None:
        _add_route(_spec, _spec.published)
