"""Positions of workers, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gis_api.dependencies import Locator, Now, Tx, role_door
from gis_api.geojson import Box, datum_of, many_in_wgs84, refusals
from layers import positions
from layers.access import Actor, Role
from layers.errors import Unacceptable
from layers.positions import Fix

router = APIRouter(tags=["workers"])
Sender = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]


class FixIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    worker: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]
    lon: Annotated[float, Field(strict=True)]
    lat: Annotated[float, Field(strict=True)]
    datum: str | None = None
    accuracy_m: Annotated[float | None, Field(ge=0, le=100_000, allow_inf_nan=False)] = None
    fixed_at: AwareDatetime


class FixesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fixes: Annotated[list[FixIn], Field(max_length=10_000)]


class RefusedOut(BaseModel):
    index: int
    reason: str


class FixesOut(BaseModel):
    stored: int
    late: int
    refused: list[RefusedOut]


@router.post("/api/v1/positions", summary="Report where workers are")
def add_positions(tx: Tx, atlas: Locator, by: Sender, now: Now, sent: FixesIn) -> FixesOut:
    """What became of each fix: stored, late (a newer one is known), or refused with the reason.

    One bad fix does not keep the others out; a body of the wrong form, or a wrong datum, stores nothing.
    """
    fixes, refused = _normalised(sent.fixes, by, atlas.bounds)
    done = positions.add_fixes(tx, fixes, now=now, by=by)
    told = sorted([*refused, *done.refused])
    return FixesOut(
        stored=done.stored,
        late=done.late,
        refused=[RefusedOut(index=index, reason=reason) for index, reason in told],
    )


def _normalised(sent: list[FixIn], by: Actor, bounds: Sequence[Box]) -> tuple[list[Fix], list[tuple[int, str]]]:
    """The believable fixes in WGS84, and the others with the reason; a thousand at once take 5 ms in any datum."""
    datums = [_datum(index, fix, by) for index, fix in enumerate(sent)]
    raw = np.asarray([(fix.lon, fix.lat) for fix in sent], dtype=np.float64).reshape(-1, 2)
    known = raw.copy()
    for datum in set(datums):
        rows = np.flatnonzero((np.asarray(datums) == datum) & np.isfinite(raw).all(axis=1))
        known[rows] = np.column_stack(many_in_wgs84(raw[rows, 0], raw[rows, 1], datum))
    wrong = {at: code for at, _, code in refusals(raw[:, 0], raw[:, 1], known[:, 0], known[:, 1], bounds=bounds)}
    lonlat = known.tolist()
    fixes = [_fix(index, fix, lonlat[index], datums[index]) for index, fix in enumerate(sent) if index not in wrong]
    return fixes, list(wrong.items())


def _datum(index: int, fix: FixIn, by: Actor) -> str:
    """A wrong datum is a fault of the sender's program and true of the whole batch, not of one fix."""
    try:
        return datum_of(by, fix.datum)
    except Unacceptable as wrong:
        raise Unacceptable(wrong.code, errors=[(["fixes", index, "datum"], wrong.code)], **wrong.details) from None


def _fix(index: int, fix: FixIn, lonlat: list[float], datum: str) -> Fix:
    return Fix(
        index=index,
        worker=fix.worker,
        lon=lonlat[0],
        lat=lonlat[1],
        raw_lon=fix.lon,
        raw_lat=fix.lat,
        datum=datum,
        accuracy_m=fix.accuracy_m,
        fixed_at=fix.fixed_at,
    )
