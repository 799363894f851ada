"""Positions of workers, in batches, and the track of a day, which only its worker sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Locator, Now, Read, Settings_, Tx, Zone, role_door
from gis_api.geojson import SAME_AS_WGS84, Box, convert_many_to_wgs84, datum_of, refusals
from gis_api.moments import Day, Moment
from gis_api.strict_routes import StrictRoute
from layers import positions
from layers.access import Actor, Role
from layers.errors import NotFound, Unacceptable
from layers.positions import Fix
from layers.workers import Worker

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Sender = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]
# Where somebody was is theirs alone: neither a desk nor an admin asks for it.
Walker = Annotated[Actor, Depends(role_door(Role.worker))]


class FixIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    worker: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]
    lon: Annotated[float, Field(strict=True)]
    lat: Annotated[float, Field(strict=True)]
    datum: str | None = None
    accuracy_m: Annotated[float | None, Field(ge=0, le=100_000, allow_inf_nan=False)] = None
    fixed_at: Moment


class FixesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fixes: Annotated[list[FixIn], Field(max_length=10_000)]


class RefusedOut(BaseModel):
    index: int
    reason: str


class FlaggedOut(BaseModel):
    index: int
    reason: Literal["late", "old"]


class FixesOut(BaseModel):
    stored: int
    late: int
    refused: list[RefusedOut]
    # Left out where there is none.
    flagged: list[FlaggedOut] | None = None


class FootprintOut(BaseModel):
    lon: float
    lat: float
    at: datetime


class TrackPart(BaseModel):
    length_m: float
    points: list[FootprintOut]


class TrackOut(BaseModel):
    """A new part begins where nothing came for five minutes; `kept_days` after a day it is forgotten."""

    worker: str
    day: date
    parts: list[TrackPart]
    length_m: float
    kept_days: int


@router.post("/api/v1/positions", response_model_exclude_none=True, summary="Report where workers are")
def add_positions(tx: Tx, atlas: Locator, settings: Settings_, by: Sender, now: Now, sent: FixesIn) -> FixesOut:
    """What became of each fix: stored, late (a newer one is known), or refused with the reason.

    `flagged` names those that were taken and choose nobody: `late`, and `old`, half an hour old when it came (no line,
    or a clock that is behind). `datum_flipped` is refused: the phone has jumped by the vector between the stated datum
    and another one, and is believed again when it is seen where it should be.
    One bad fix does not keep the others out; a body of the wrong form, or a wrong datum, stores nothing.
    """
    fixes, refused = _normalise(sent.fixes, by, atlas.bounds)
    done = positions.add_fixes(tx, fixes, now=now, track_days=settings.track_days, by=by)
    told = sorted([*refused, *done.refused])
    flagged = [FlaggedOut.model_validate({"index": index, "reason": reason}) for index, reason in done.flagged]
    return FixesOut(
        stored=done.stored,
        late=done.late,
        refused=[RefusedOut(index=index, reason=reason) for index, reason in told],
        flagged=flagged or None,
    )


@router.get("/api/v1/positions/track", summary="One's own way of a day")
def read_own_track(tx: Read, settings: Settings_, zone: Zone, now: Now, by: Walker, day: Day | None = None) -> TrackOut:
    """Where the asking worker was on a day of the city (default: today), thinned; nobody else can ask for it.

    404 for an account that belongs to no worker.
    """
    if by.worker_id is None:
        raise NotFound("account_without_worker")
    on = day or now.astimezone(zone).date()
    begin, end = (datetime.combine(at, time(), zone) for at in (on, on + timedelta(days=1)))
    parts = [
        TrackPart(
            length_m=round(positions.length_of(part), 1),
            points=[FootprintOut(lon=point.lon, lat=point.lat, at=point.at) for point in part],
        )
        for part in positions.read_track(tx, by.worker_id, span=(begin, end))
    ]
    return TrackOut(
        worker=tx.get_one(Worker, by.worker_id).number,
        day=on,
        parts=parts,
        length_m=round(sum(part.length_m for part in parts), 1),
        kept_days=settings.track_days,
    )


def _normalise(sent: list[FixIn], by: Actor, bounds: Sequence[Box]) -> tuple[list[Fix], list[tuple[int, str]]]:
    """The believable fixes in WGS84, and the others with the reason; a thousand at once take 1.5 ms, 5 if converted."""
    of_stated = _datums(sent, by)
    datums = [of_stated[fix.datum] for fix in sent]
    raw = np.asarray([(fix.lon, fix.lat) for fix in sent], dtype=np.float64).reshape(-1, 2)
    known = raw.copy()
    for datum in set(datums).difference(SAME_AS_WGS84):
        rows = np.flatnonzero((np.asarray(datums) == datum) & np.isfinite(raw).all(axis=1))
        known[rows] = np.column_stack(convert_many_to_wgs84(raw[rows, 0], raw[rows, 1], datum))
    wrong = {at: code for at, _, code in refusals(raw[:, 0], raw[:, 1], known[:, 0], known[:, 1], bounds=bounds)}
    fixes = [
        Fix(place, fix.worker, lon, lat, fix.lon, fix.lat, datum, fix.accuracy_m, fix.fixed_at)
        for place, (fix, datum, (lon, lat)) in enumerate(zip(sent, datums, known.tolist(), strict=True))
        if place not in wrong
    ]
    return fixes, list(wrong.items())


def _datums(sent: list[FixIn], by: Actor) -> dict[str | None, str]:
    """The datum meant by each that is stated; a wrong one is a fault of the sender's program, not of one fix."""
    known: dict[str | None, str] = {}
    for index, fix in enumerate(sent):
        if fix.datum in known:
            continue
        try:
            known[fix.datum] = datum_of(by, fix.datum)
        except Unacceptable as wrong:
            raise Unacceptable(wrong.code, errors=[(["fixes", index, "datum"], wrong.code)], **wrong.details) from None
    return known
