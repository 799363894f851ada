"""What happens in a city, as it happens: a stream of events that goes on where it was left ([L7], [D12])."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from gis_api.answers import declare_media
from gis_api.dependencies import role_door
from gis_api.live import HEARS, EventStream, Feed
from gis_api.live.visiting import visitor_of
from gis_api.strict_routes import StrictRoute
from layers.access import Actor, Role

router = APIRouter(tags=["live"], route_class=StrictRoute)
Listener = Annotated[Actor, Depends(role_door(*map(Role, HEARS)))]
Mark = Annotated[
    str | None, Query(max_length=4_000, description="the id of the last event, where no header can say it")
]


@router.get(
    "/api/v1/live",
    response_class=Response,
    responses=declare_media(EventStream.media_type, schema={"type": "string"}),
    summary="What happens in the area, as it happens",
)
async def listen(
    request: Request,
    by: Listener,
    since: Mark = None,
    last_event_id: Annotated[
        str | None, Header(max_length=4_000, description="the id of the last event; goes before `since`")
    ] = None,
) -> EventStream:
    """Server-sent events of your area: `incident` (reported, a step), `positions` (who on duty has moved),
    `check_in` (a worker on a risky task was not heard) and `publication`; desks hear all, auditors no positions,
    planners of publications, leaders of these and of who was not heard.

    The stream begins with `hello`. After a pause, `Last-Event-ID` brings what was missed, each thing once and in order,
    from any process of the service; `reload` says that the way from there is lost (thirty days): read lists anew.
    `stale` says that nothing can be told while the database is away, `over` that one may no longer listen.
    """
    feed: Feed = request.app.state.feed
    stream = await feed.join(visitor_of(request, by), since=last_event_id or since)
    return EventStream(stream, feed.leave)
