"""An edit whose answer got lost is not made twice: the client's Idempotency-Key stands in the plan's chronicle."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy.orm import Session

from gis_api.dependencies import etag
from gis_api.idempotency import read_idempotency_key
from gis_api.live.telling import body_of
from gis_api.routes.plans.doors import JSON
from layers import planning
from layers.access import Actor
from layers.chronicle import Ticket, find_made
from layers.planning import DraftMemory


async def _ticket(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="the same key and body again: nothing is done, the plan as it is since is told")
    ] = None,
) -> Ticket | None:
    if idempotency_key is None:
        return None
    key = read_idempotency_key(idempotency_key)
    asked = f"{request.url.path}?{request.url.query}\n".encode()
    return Ticket(key, hashlib.sha256(asked + await request.body()).digest())


Ticket_ = Annotated[Ticket | None, Depends(_ticket)]


def find_answer(
    tx: Session, drafts: DraftMemory, plan_id: int, ticket: Ticket | None, *, version: int, by: Actor
) -> Response | None:
    """The answer to a request that was carried out before, None for a new one.

    It says in `made_version` what the edit made, and brings the client from the version that it names to the present
    one: what the edit changed, and what others changed since.
    """
    made = None if ticket is None else find_made(tx, plan_id, ticket, by=by)
    if made is None:
        return None
    news = planning.news_since(tx, plan_id, min(version, made), by=by)
    mine: dict[str, Any] = next((line for line in body_of(news)["lines"] if line["version"] == made), {})
    body = {
        **body_of(news),
        "op": mine.get("op"),
        "by": mine.get("author"),
        "report": planning.report_of(tx, drafts, plan_id, by=by),
        "took_ms": 0,
        "made_version": made,
        "replayed": True,
    }
    return Response(orjson.dumps(body), headers={"ETag": etag(news.version)}, media_type=JSON)
