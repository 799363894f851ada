"""Writes the demo's hazards and incidents with their steps and reporters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from layers.categories import list_clocks
from layers.categories.defaults import CATEGORIES
from layers.clocks import Clock, Limit, WorkCalendar
from layers.incidents import AWAITED, ENDS, bits_of
from layers.shifts import CITY_ZONE
from migrations.demo.decisions import DemoSent
from migrations.demo.ground_rows import PLAN_VERSION
from migrations.demo.happenings import Happenings
from migrations.demo.naming import people_names
from migrations.demo.people import DemoWorker
from migrations.demo.phrases import CHANNELS, REPORTER_OF
from migrations.demo.places import DISTRICT_CODE
from migrations.demo.progressed import Progress, moment
from migrations.demo.rows import SOURCE, Writer, points
from migrations.demo.whereabouts import Tiles

RECTIFIED = 0.93
USUAL_DAYS = 4.0
DESK, AUTOMATIC = "网格中心", "automatic"
# The limits of a new city count day and night.
DAY_AND_NIGHT = Clock(WorkCalendar(CITY_ZONE))


def _place(tiles: Tiles, at: int) -> tuple[str, str, str | None, str, int]:
    """District, grid, sub-grid, current code and plan version of a tile."""
    code, grid = tiles.codes[at], tiles.grids[at]
    return DISTRICT_CODE, grid, code if code != grid else None, code, PLAN_VERSION


def write_hazards(
    writer: Writer, happened: Happenings, *, tiles: Tiles, now: datetime, rng: np.random.Generator
) -> int:
    """The number of hazards; most of the older ones are rectified."""
    lonlat = writer.lonlat(happened.xy)
    days = np.clip(rng.exponential(USUAL_DAYS, len(happened)), 0.1, 60.0)
    mended = rng.random(len(happened)) < RECTIFIED
    severity = rng.choice([1, 2, 3], len(happened), p=(0.62, 0.29, 0.09)).tolist()
    columns = "category state severity description found_at rectified_at district grid_code sub_grid_code current_code"
    return writer.copy(
        "hazards",
        f"{columns} plan_version geom raw_lon raw_lat source external_id",
        rows=(
            (
                *(
                    happened.category[n],
                    *_mending(int(happened.at[n]), float(days[n]), bool(mended[n]), severity[n], now)[:1],
                ),
                *(severity[n], happened.words[n]),
                *_mending(int(happened.at[n]), float(days[n]), bool(mended[n]), severity[n], now)[1:],
                *(*_place(tiles, int(happened.tile[n])), point, *lonlat[n].tolist(), SOURCE, f"h{n}"),
            )
            for n, point in enumerate(points(lonlat))
        ),
    )


def _mending(
    found: int, days: float, mended: bool, severity: int, now: datetime
) -> tuple[str, datetime, datetime | None]:
    """State, moment of finding and moment of rectification of one hazard."""
    start = moment(found)
    end = start + timedelta(days=days * severity)
    if mended and end < now:
        return "rectified", start, end
    return ("found" if now - start < timedelta(days=1) else "rectifying"), start, None


def write_incidents(
    writer: Writer,
    happened: Happenings,
    *,
    progress: Progress,
    tiles: Tiles,
    workers: list[DemoWorker],
    first_worker: int,
    sent: list[DemoSent],
    rng: np.random.Generator,
) -> tuple[int, int]:
    """The id of the first incident, the others follow in order; and the number of steps."""
    first = writer.reserve("incidents", len(happened))
    locations = {each.incident: json.dumps(each.location.as_json(), ensure_ascii=False) for each in sent}
    channels = rng.choice(list(CHANNELS), len(happened), p=np.array(list(CHANNELS.values())) / sum(CHANNELS.values()))
    columns = "id state category urgency description channel occurred_at reported_at closed_at changed_at"
    clock = "due_at yellow_at late_thrice_at clock timed late_at late_step steps_taken"
    places = "location desk_area district grid_code sub_grid_code current_code plan_version"
    # Read before the rows are: nothing may be asked of the connection while it copies.
    clocks = {(c.category, c.step): c.limit for c in list_clocks(writer.session) if c.level == "grid"}
    writer.copy(
        "incidents",
        f"{columns} {clock} {places} worker_id unit_code geom raw_lon raw_lat source external_id",
        rows=_incidents(
            writer, happened, progress, tiles, first, first_worker, [str(c) for c in channels], locations, clocks
        ),
    )
    steps = writer.copy(
        "incident_steps", 'incident_id step state at by note "to"', rows=_steps(progress, workers, first)
    )
    rows = _reporters(progress, [str(c) for c in channels], first, first_worker, rng)
    writer.copy("personal.reporters", "incident_id kind name phone worker_id", rows=rows)
    return first, steps


def _incidents(
    writer: Writer,
    happened: Happenings,
    progress: Progress,
    tiles: Tiles,
    first: int,
    first_worker: int,
    channels: list[str],
    locations: dict[int, str],
    clocks: dict[tuple[str, str], Limit],
) -> Iterator[tuple[Any, ...]]:
    rules = {row.code: row for row in CATEGORIES}
    lonlat = writer.lonlat(happened.xy)
    seconds = {key: _seconds_of(limit) for key, limit in clocks.items()}
    for n, point in enumerate(points(lonlat)):
        rule, state = rules[happened.category[n]], progress.states[n][-1]
        reported, changed = moment(int(happened.at[n])), moment(int(progress.at[n][-1]))
        worker = int(progress.worker[n])
        yield (
            *(first + n, state, rule.code, rule.urgency, happened.words[n], channels[n], reported, reported),
            *(
                changed if state in ENDS else None,
                changed,
                *_clock(rule.code, state, changed, clocks),
                *_lateness(rule.code, progress, n, seconds),
                bits_of(progress.steps[n]),
                locations.get(n),
            ),
            tiles.codes[int(happened.tile[n])][:12],
            *_place(tiles, int(happened.tile[n])),
            *(None if worker < 0 else first_worker + worker, rule.unit, point, *lonlat[n].tolist(), SOURCE, f"i{n}"),
        )


def _clock(category: str, state: str, since: datetime, limits: dict[tuple[str, str], Limit]) -> tuple[Any, ...]:
    """When the step that an open incident waits for is due, turns yellow, is late by three times; and its clock."""
    step = AWAITED.get(state, "")
    limit = limits.get((category, step))
    if limit is None:
        return None, None, None, None
    told = {"step": step, "since": since.isoformat(), "amount": limit.amount, "kind": str(limit.kind)}
    deadline = DAY_AND_NIGHT.deadline(since, limit)
    clock = json.dumps({**told, "pauses": [], "extensions": 0, "calendar": {}})
    return deadline.at, deadline.yellow_at, deadline.late_thrice_at, clock


def _seconds_of(limit: Limit) -> float:
    """How long a limit is by day and night."""
    begun = moment(0)
    return (DAY_AND_NIGHT.deadline(begun, limit).at - begun).total_seconds()


def _lateness(category: str, progress: Progress, n: int, seconds: dict[tuple[str, str], float]) -> tuple[Any, ...]:
    """Whether a clock ever ran, the first deadline that was missed, and the step that missed it."""
    at, states = progress.at[n].tolist(), progress.states[n]
    waited = [(AWAITED.get(state, ""), since) for state, since in zip(states, at, strict=True)]
    timed = any((category, step) in seconds for step, _ in waited)
    for (step, since), until in zip(waited, at[1:], strict=False):
        limit = seconds.get((category, step))
        if limit is not None and since + limit < until:
            return timed, moment(int(since + limit)), step
    return timed, None, None


def _steps(progress: Progress, workers: list[DemoWorker], first: int) -> Iterator[tuple[Any, ...]]:
    """Every step of every incident in the order of time within the incident."""
    by_worker = {"accept", "arrive", "handle", "verify"}
    for n, (moments, steps, states) in enumerate(zip(progress.at, progress.steps, progress.states, strict=True)):
        worker = workers[int(progress.worker[n])].number if progress.worker[n] >= 0 else DESK
        for at, step, state in zip(moments.tolist(), steps, states, strict=True):
            by = worker if step in by_worker else AUTOMATIC if step in ("triage", "dispatch") else DESK
            yield first + n, step, state, moment(at), by, "", worker if step == "dispatch" else None


def _reporters(
    progress: Progress, channels: list[str], first: int, first_worker: int, rng: np.random.Generator
) -> Iterator[tuple[Any, ...]]:
    names = people_names(rng)
    for n, channel in enumerate(channels):
        kind = REPORTER_OF[channel]
        worker = int(progress.worker[n])
        if kind == "resident":
            yield first + n, kind, next(names), f"1091{n:07d}", None
        elif kind == "worker" and worker >= 0:
            yield first + n, kind, None, None, first_worker + worker
        else:
            yield first + n, kind if kind != "worker" else "department", None, None, None
