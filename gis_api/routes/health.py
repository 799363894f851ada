"""Whether the process lives, whether it can answer, and its counts: for machines that watch it, without a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from gis_api.answers import declare_media
from gis_api.dependencies import Now, Replicas_, Settings_, public
from gis_api.metrics import MEDIA_TYPE, Metrics
from gis_api.replicas import Replicas
from gis_api.strict_routes import StrictRoute
from layers.outbox import Waiting
from layers.stored_moments import StoredMomentLoader

router = APIRouter(tags=["health"], route_class=StrictRoute, dependencies=[public])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """What the process can do: lookups are answered from memory, whatever is stored needs PostgreSQL.

    `unreadable` counts the stored rows that are read past by table; `/metrics` and the log name them.
    """

    status: Literal["ready", "reads only", "not ready"]
    reads: bool
    writes: bool
    stale: bool
    updated_at: str | None
    index_version: int | None
    unreadable: dict[str, int]


@router.get("/healthz", summary="Does the process live")
async def healthz() -> Alive:
    """Always 200 while the process lives."""
    return Alive()


@router.get("/readyz", summary="Can lookups be answered", responses={503: {"model": Ready}})
async def readyz(replicas: Replicas_, response: Response) -> Ready:
    """200 as soon as there is something to answer from, old or new; 503 until then. `writes` tells the rest."""
    atlas, at = replicas.state.atlas, replicas.updated_at
    reads, writes = replicas.ready, replicas.takes_writes
    if not reads:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return Ready(
        status="not ready" if not reads else "ready" if writes else "reads only",
        reads=reads,
        writes=writes,
        stale=replicas.stale,
        updated_at=at.isoformat() if at else None,
        index_version=atlas.index_version if atlas is not None else None,
        unreadable=dict(Counter(row.table for row in replicas.unreadable_rows)),
    )


@router.get(
    "/metrics",
    summary="Counts for Prometheus",
    response_class=Response,
    responses=declare_media(MEDIA_TYPE.partition(";")[0], schema={"type": "string"}),
)
def metrics(request: Request, replicas: Replicas_, settings: Settings_, now: Now) -> Response:
    """Requests of all processes by method, path, status and duration, in Prometheus' text format."""
    counted: Metrics = request.app.state.metrics
    lines = [
        *counted.with_others(settings.var / "metrics").lines(),
        "# TYPE wangge_stale gauge",
        f"wangge_stale {int(replicas.stale)}",
        *_write_unreadable(replicas),
        *_write_waiting(request.app.state.waiting_counts.find(), now),
        "# TYPE wangge_takes_writes gauge",
        f"wangge_takes_writes {int(replicas.takes_writes)}",
    ]
    return Response("\n".join(lines) + "\n", media_type=MEDIA_TYPE)


def _write_waiting(waiting: Waiting | None, now: datetime) -> Iterator[str]:
    """Deliveries to other systems that have not arrived, and the age of the oldest; left out while nobody knows."""
    if waiting is None:
        return
    age_s = max(0.0, (now - waiting.oldest_at).total_seconds()) if waiting.oldest_at is not None else 0.0
    yield "# HELP wangge_deliveries_waiting Deliveries to webhooks that have neither arrived nor been given up."
    yield "# TYPE wangge_deliveries_waiting gauge"
    yield f"wangge_deliveries_waiting {waiting.deliveries}"
    yield "# HELP wangge_oldest_delivery_seconds How long ago the oldest of what they tell of happened."
    yield "# TYPE wangge_oldest_delivery_seconds gauge"
    yield f"wangge_oldest_delivery_seconds {age_s:.1f}"


def _write_unreadable(replicas: Replicas) -> Iterator[str]:
    """What this process could not read and left out, plan by plan and row by row; moments out of bounds as a number."""
    atlas = replicas.state.atlas
    yield "# TYPE wangge_unreadable gauge"
    yield f'wangge_unreadable{{what="moment"}} {StoredMomentLoader.out_of_bounds}'
    yield f'wangge_unreadable{{what="roster"}} {int(replicas.state.roster_unreadable)}'
    for plan_id in atlas.unreadable if atlas is not None else ():
        yield f'wangge_unreadable{{what="plan {plan_id}"}} 1'
    yield "# TYPE wangge_unreadable_row gauge"
    for row in replicas.unreadable_rows:
        yield f'wangge_unreadable_row{{table="{row.table}",row="{row.public_key}",column="{row.column}"}} 1'
