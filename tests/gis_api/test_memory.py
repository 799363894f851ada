"""What requests leave behind in a process is bounded."""

from __future__ import annotations

import asyncio
from typing import Any

from gis_api import memory
from gis_api.large_bodies import LARGE_BYTES, PatientRequest
from gis_api.routes import tiles
from gis_api.routes.tiles import make_tile_shelf
from tests.loops import run_apart


def test_tiles_are_kept_up_to_a_number_of_bytes(monkeypatch: Any) -> None:
    monkeypatch.setattr(tiles, "MOST_BYTES", 1_000)
    cache = make_tile_shelf()
    for number in range(30):
        cache.keep((number,), b"x" * 100)
        cache.keep((number,), b"x" * 100)  # made twice at the same time, kept once
    assert [number for number in range(30) if cache.find((number,)) is not None] == list(range(20, 30))


def test_two_large_documents_are_there_at_once_and_the_others_wait() -> None:
    body = b"[" + b"1," * LARGE_BYTES + b"1]"
    there, most = 0, 0

    def request() -> PatientRequest:
        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        return PatientRequest({"type": "http", "headers": []}, receive)

    async def one() -> None:
        nonlocal there, most
        asked = request()
        document = await asked.json()
        there += 1
        most = max(most, there)
        assert len(document) == LARGE_BYTES + 1
        await asyncio.sleep(0.6)
        there -= 1
        asked.let_go()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(5)))

    run_apart(all_of_them())
    assert (there, most) == (0, 2)
    assert memory.give_back() and not memory.give_back()
