"""The peers of the hot route that need nothing but the product's own packages: `raw` and `noop`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

BODY = b'{"relation":"inside","text":"' + b"x" * 269 + b'"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": HEADERS}
ANSWER: dict[str, Any] = {"type": "http.response.body", "body": BODY}


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """A fixed answer of 300 bytes, as fast as the server can send it."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(START)
    await send(ANSWER)


noop = FastAPI()


@noop.get("/api/v1/locate")
async def nothing(lon: float, lat: float) -> dict[str, float]:
    """Two parameters read and told back."""
    return {"lon": lon, "lat": lat}
