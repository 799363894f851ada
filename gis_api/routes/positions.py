"""Positions of workers, in batches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gis_api.dependencies import Locator, Now, Tx, role_door
from gis_api.geojson import position
from layers import positions
from layers.access import Actor, Role
from layers.errors import Unacceptable
from layers.positions import Fix

router = APIRouter(tags=["workers"])
Sender = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]
# A wrong datum is a fault of the sender's program and true of the whole batch, not of one fix.
DATUM_CODES = ("unknown_datum", "datum_contradicts_key", "datum_missing")


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
    fixes, refused = [], []
    for index, fix in enumerate(sent.fixes):
        try:
            fixes.append(_normalised(index, fix, by, atlas))
        except Unacceptable as wrong:
            if wrong.code in DATUM_CODES:
                raise Unacceptable(
                    wrong.code, errors=[(["fixes", index, "datum"], wrong.code)], **wrong.details
                ) from None
            refused.append((index, wrong.code))
    done = positions.add_fixes(tx, fixes, now=now, by=by)
    told = sorted([*refused, *done.refused])
    return FixesOut(
        stored=done.stored,
        late=done.late,
        refused=[RefusedOut(index=index, reason=reason) for index, reason in told],
    )


def _normalised(index: int, fix: FixIn, by: Actor, atlas: Locator) -> Fix:
    known = position(fix.lon, fix.lat, datum=fix.datum, actor=by, bounds=atlas.bounds, accuracy_m=fix.accuracy_m)
    return Fix(
        index=index,
        worker=fix.worker,
        lon=known.lon,
        lat=known.lat,
        raw_lon=known.raw_lon,
        raw_lat=known.raw_lat,
        datum=known.datum,
        accuracy_m=fix.accuracy_m,
        fixed_at=fix.fixed_at,
    )
