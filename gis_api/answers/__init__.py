"""What routes answer that write their JSON themselves, as models: read by the API document and checked by tests.

    @router.get(…, responses=declare_answer(Plan))

These models say what a client may rely on; answers may hold more ("it only grows").
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

GEOJSON = "application/geo+json"
JSON = "application/json"
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}


def declare_answer(model: type[BaseModel], *, status: int = 200, media: str = JSON) -> dict[int | str, dict[str, Any]]:
    """The entry of a route's `responses` for an answer that the route writes itself, in this form."""
    return {status: {"model": model, "content": {media: {}}}}


def declare_media(*media: str, schema: dict[str, Any] = BINARY) -> dict[int | str, dict[str, Any]]:
    """The same for an answer that is no JSON, of one form or of several."""
    return {200: {"content": {one: {"schema": schema} for one in media}}}
