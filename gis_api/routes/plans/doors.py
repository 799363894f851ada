"""What all routes of plans ask for: which plan, which version."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path

from gis_api.dependencies import _read_if_match as version_of
from layers.errors import NotFound
from layers.ids import find_id

GEOJSON = "application/geo+json"
JSON = "application/json"
PRIVATE = {"Cache-Control": "private, no-cache"}


def number_of(plan_id: str) -> int:
    """The stored number behind an opaque id; an id that is none of ours is not found."""
    found = find_id(plan_id)
    if found is None:
        raise NotFound("no_such_plan", plan=plan_id[:40])
    return found


# `async def`, though nothing is awaited: as in `dependencies`, to save the way to a thread and back.
async def _plan_id(plan_id: Annotated[str, Path(max_length=100)]) -> int:
    return number_of(plan_id)


async def _read_seen_version(
    if_match: Annotated[str | None, Header(description='The version seen, quoted: "12".')] = None,
) -> int | None:
    """The version seen, where one was sent: a proposal changes nothing and needs none."""
    return None if if_match is None else version_of(if_match)


Seen = Annotated[int | None, Depends(_read_seen_version)]
PlanId = Annotated[int, Depends(_plan_id)]
