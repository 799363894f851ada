"""Looking on while a plan is drawn ([P3]): what happened since a version, as a list or as a stream; who is here."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer, declare_media
from gis_api.answers import plans as answers
from gis_api.dependencies import Planner, Read, Tx, etag
from gis_api.live import EventStream, Hub
from gis_api.live.telling import body_of
from gis_api.live.visiting import visitor_of
from gis_api.routes.plans.doors import JSON, PRIVATE, PlanId
from gis_api.strict_routes import StrictRoute
from layers import planning, plans
from layers.chronicle import announce

router = APIRouter(tags=["plans"], route_class=StrictRoute)
Tab = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
Seen = Annotated[int | None, Query(ge=0, le=10**9, description="the version that was seen")]


class Doing(BaseModel):
    """What somebody does: which grids are selected, with which tool, and where the pointer is (lon, lat)."""

    model_config = ConfigDict(extra="forbid")
    grids: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=20)
    tool: str | None = Field(None, max_length=40)
    at: tuple[float, float] | None = None


class Here(BaseModel):
    """One window of the person who asks."""

    model_config = ConfigDict(extra="forbid")
    tab: Tab
    doing: Doing = Doing(tool=None, at=None)


@router.get("/api/v1/plans/{plan_id}/events", responses=declare_answer(answers.News), response_class=Response)
def list_events(tx: Read, by: Planner, plan_id: PlanId, since: Annotated[int, Query(ge=0, le=10**9)]) -> Response:
    """What happened since a version: who did what, and the present state of every grid that differs.

    With `whole` false the way is too long: load the plan anew.
    """
    news = planning.news_since(tx, plan_id, since, by=by)
    return Response(orjson.dumps(body_of(news)), headers={"ETag": etag(news.version), **PRIVATE}, media_type=JSON)


@router.get(
    "/api/v1/plans/{plan_id}/live",
    response_class=Response,
    responses=declare_media(EventStream.media_type, schema={"type": "string"}),
)
async def listen(
    request: Request,
    by: Planner,
    plan_id: PlanId,
    since: Seen = None,
    tab: Annotated[str, Query(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")] = "one",
    last_event_id: Annotated[
        str | None, Header(description="the version of the last event; goes before `since`")
    ] = None,
) -> EventStream:
    """Server-sent events: `edited`, `state`, `here`, `reload`, `over`; after a pause from `Last-Event-ID` on."""
    hub: Hub = request.app.state.hub
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 10 else since
    stream = await hub.join(visitor_of(request, by, tab=tab), plan_id, since=seen)
    return EventStream(stream, hub.leave)


@router.post("/api/v1/plans/{plan_id}/here", status_code=204, response_class=Response)
def tell_here(tx: Tx, by: Planner, plan_id: PlanId, here: Here) -> Response:
    """Tell the others what one does here; forgotten as soon as the stream of the same window ends."""
    plans.get_plan(tx, plan_id, by=by)
    doing = here.doing.model_dump(exclude_defaults=True)
    announce(tx, {"plan": plan_id, "person": by.name, "tab": here.tab, "doing": doing})
    return Response(status_code=204)
