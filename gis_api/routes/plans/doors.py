"""What all routes of plans ask for: which plan, which box."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import Depends, Header, Path, Query

from gis_api.dependencies import _if_match as version_of
from layers.errors import NotFound, Unacceptable

GEOJSON = "application/geo+json"
JSON = "application/json"
PRIVATE = {"Cache-Control": "private, no-cache"}
Box = tuple[float, float, float, float]


def number_of(plan_id: str) -> int:
    """The stored number behind an opaque id; an id that is none of ours is not found."""
    if not (plan_id.isascii() and plan_id.isdigit() and len(plan_id) <= 18):
        raise NotFound("no_such_plan", plan=plan_id[:40])
    return int(plan_id)


def _plan_id(plan_id: Annotated[str, Path(max_length=100)]) -> int:
    return number_of(plan_id)


def _box(
    bbox: Annotated[str | None, Query(max_length=200, description="west,south,east,north in WGS 84 degrees")] = None,
) -> Box | None:
    if bbox is None:
        return None
    try:
        west, south, east, north = (float(word) for word in bbox.split(","))
    except ValueError:
        raise Unacceptable("wrong_bbox", errors=[(["bbox"], "wrong_bbox")]) from None
    if not all(map(math.isfinite, (west, south, east, north))) or west > east or south > north:
        raise Unacceptable("wrong_bbox", errors=[(["bbox"], "wrong_bbox")])
    return west, south, east, north


def _seen(if_match: Annotated[str | None, Header(description='The version seen, quoted: "12".')] = None) -> int | None:
    """The version seen, where one was sent: a proposal changes nothing and needs none."""
    return None if if_match is None else version_of(if_match)


Seen = Annotated[int | None, Depends(_seen)]
PlanId = Annotated[int, Depends(_plan_id)]
AskedBox = Annotated[Box | None, Depends(_box)]
