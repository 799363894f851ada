"""The application: wiring and lifespan, nothing else."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gis_api import errors, gc_tuning, logs, memory
from gis_api.auth import COOKIE, People, bearer_of
from gis_api.dependencies import find_signed_in, moment_in
from gis_api.envelope import Envelope
from gis_api.fast_locate import STATE, Desk, Service, ShortWay
from gis_api.hashing import Hashing
from gis_api.live import Crowd, Feed, Hub, call_before_stop
from gis_api.logs import Outage
from gis_api.maps.assets import mount_assets
from gis_api.metrics import Metrics
from gis_api.outgoing.counting import WaitingCounts
from gis_api.pages import error_page, language_of_page
from gis_api.replicas import Replicas
from gis_api.routes import (
    accounts,
    assignments,
    calendar,
    categories,
    check_ins,
    coverage,
    decisions,
    dispatch_settings,
    emergencies,
    evaluation,
    health,
    heat,
    history,
    import_page,
    imports,
    incidents,
    jobs,
    leaving,
    live,
    locate,
    pages,
    photos,
    plan_pages,
    plans,
    positions,
    published,
    roster_files,
    rosters,
    run_cards,
    search,
    session,
    shifts,
    standards,
    tiles,
    webhooks,
    whereabouts,
    worker_page,
    workers,
)
from gis_api.settings import Settings
from gis_api.sign_in_counts import MissCounts
from gis_api.sign_ins import AT_ONCE, SlowDown, Turns
from gis_api.timeouts import Timeouts
from layers.access import digest_of
from layers.candidates import grids_by_number
from layers.db import make_service_engine
from layers.evaluation import EvaluationMemory
from layers.freshness import EVENTS, PLANS
from layers.heat import HeatMemory
from layers.painting import make_patch_shelf
from layers.planning import DraftMemory

log = logging.getLogger("wangge")
COUNTS_EVERY_S = 2.0
HEAVY = ("gis_api.maps.ground", "gis_api.maps.heat", "gis_api.papers.workbook")
# How long one thread may keep the others from running: with the usual 5 ms the hot route would wait so long for each
# answer while a thread reads a new plan or works on somebody's edit.
TURN_S = 0.001

# The one table of routers: a new file of routes is added here. They are tried in this order, 5 µs each: what is asked
# most, and what has to be quick, comes first.
ROUTERS = (
    session.router,
    health.router,
    locate.router,
    *plans.ROUTERS,
    pages.router,
    plan_pages.router,
    worker_page.router,
    published.router,
    search.router,
    heat.router,
    evaluation.router,
    tiles.router,
    accounts.router,
    history.router,
    coverage.router,
    workers.router,
    webhooks.router,
    live.router,
    roster_files.router,
    rosters.router,
    leaving.router,
    shifts.router,
    assignments.router,
    positions.router,
    whereabouts.router,
    incidents.router,
    decisions.router,
    photos.router,
    categories.router,
    calendar.router,
    standards.router,
    dispatch_settings.router,
    run_cards.router,
    check_ins.router,
    emergencies.router,
    imports.router,
    import_page.router,
    jobs.router,
)


def create_app(settings: Settings | None = None) -> Service:
    """The service as an ASGI application; settings come from the environment where none are given."""
    chosen = settings or Settings()
    logs.install()
    app = Service(
        title="Wangge",
        version="1",
        description="The map behind grid-based community management: draw, check, publish, locate, dispatch.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        # As they are: a router that is included makes each of its routes a second time, with the first request.
        routes=[route for router in ROUTERS for route in router.routes],
    )
    _furnish(app, chosen)
    errors.install(app)
    app.add_middleware(Envelope, settings=chosen, metrics=app.state.metrics, known=partial(_is_known, app))
    if chosen.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=[str(one) for one in chosen.trusted_proxies])
    # A plain function, so that it is run in a thread: the document takes a second to be made, the first time.
    app.add_route("/api/v1/openapi.json", app.tell_document, include_in_schema=False)
    mount_assets(app)
    return app


async def _is_known(app: Service, scope: Scope) -> bool:
    """Whether a key or a session stands behind a request; asked only before a large body is taken in."""
    connection = HTTPConnection(scope)
    token = bearer_of(connection.headers)
    if token is not None:
        return digest_of(token) in app.state.replicas.keys
    cookie = connection.cookies.get(COOKIE)
    people: People = app.state.people
    return cookie is not None and await find_signed_in(people, cookie) is not None


def _furnish(app: Service, settings: Settings) -> None:
    app.state.settings = settings
    app.state.engine = make_service_engine(settings.service_url(), pool_size=settings.pool_size)
    # The same connections, for transactions that only read; made once, as what is kept of plans is found by the engine.
    app.state.reading = app.state.engine.execution_options(postgresql_readonly=True)
    app.state.replicas = Replicas(app.state.engine, settings)
    clock, crowd = partial(moment_in, app.state), Crowd()
    app.state.hub = Hub(app.state.engine, crowd)
    app.state.feed = Feed(app.state.engine, crowd, clock=clock, find_grids=partial(_find_grids, app.state.replicas))
    app.state.waiting_counts = WaitingCounts(app.state.reading)
    app.state.replicas.pass_on(PLANS, app.state.hub.hear)
    app.state.replicas.pass_on(EVENTS, app.state.feed.hear)
    app.state.timeouts = Timeouts(app.state.engine, app.state.replicas, settings, clock)
    app.state.people = People(app.state.engine, app.state.replicas)
    counts = MissCounts(settings.var / "sign_ins.counts")
    app.state.slow_down, app.state.turns = SlowDown(settings.sign_ins_per_minute, counts), Turns()
    app.state.hashing = Hashing(AT_ONCE)
    app.state.metrics, app.state.heat_memory = Metrics(), HeatMemory()
    app.state.evaluation_memory = EvaluationMemory()
    app.state.tiles, app.state.patches = tiles.make_tile_shelf(), make_patch_shelf()
    app.state.drafts = DraftMemory()
    app.state.show_problem, app.state.language_of_page = _page_of, _language_of_page
    app.state.desk = Desk(app.state.replicas)
    app.short_way = ShortWay(app.state.desk, app.state.replicas, app.state.metrics)


def _find_grids(replicas: Replicas) -> dict[str, str]:
    """Where each worker serves, as far as this process knows."""
    roster = replicas.state.roster
    return {} if roster is None else grids_by_number(roster)


def _language_of_page(request: Request) -> str:
    """The language of a page for whoever asks."""
    return language_of_page(request, getattr(request.state, "actor", None))


def _page_of(request: Request, problem: dict[str, Any]) -> Response:
    """An error as a page, for whoever asked for a page."""
    person = getattr(request.state, "actor", None)
    return error_page(request, problem["status"], person=person, detail=problem["detail"])


def _load_the_rest() -> None:
    """Load what only pages and papers need, beside the first answers: half of a start went into it."""
    for name in HEAVY:
        importlib.import_module(name)


@asynccontextmanager
async def _lifespan(app: Service) -> AsyncIterator[dict[str, Any]]:
    sys.setswitchinterval(TURN_S)
    memory.share_arenas()
    gc_tuning.set_aside()
    app.state.replicas.start()
    app.state.hub.start()
    app.state.feed.start()
    app.state.timeouts.start()
    hear_no_more = call_before_stop(partial(_close_streams, app))
    keeping = asyncio.create_task(_keep_counts(app))
    threading.Thread(target=_load_the_rest, name="loading", daemon=True).start()
    yield {STATE: app.short_way}
    keeping.cancel()
    hear_no_more()
    await app.state.hub.stop()
    await app.state.feed.stop()
    await asyncio.to_thread(app.state.timeouts.stop)
    app.state.replicas.stop()
    app.state.hashing.close()
    app.state.engine.dispose()


def _close_streams(app: Service) -> None:
    """End every stream: a server that stops waits for open answers, and these have no end."""
    app.state.hub.close()
    app.state.feed.close()


async def _keep_counts(app: Service) -> None:
    """Let the other processes know what this one has counted: any of them may be asked for /metrics."""
    unwritten = Outage(log, "the counts of this process cannot be written")
    while True:
        await asyncio.sleep(COUNTS_EVERY_S)
        try:
            await asyncio.to_thread(app.state.metrics.keep, app.state.settings.var / "metrics")
            unwritten.tell_end()
        except OSError as error:
            unwritten.count_failure(error)
        await asyncio.to_thread(memory.give_back)
