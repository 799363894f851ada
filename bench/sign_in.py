"""Signing in as a weapon: a hundred clients post passwords without a pause, and what it costs everybody else.

    python -m bench.sign_in [--clients 100] [--seconds 20]

Each attempt bears a name of its own, so that nothing but the turns (`gis_api.sign_ins`) holds it up: what is hashed, is
hashed at 64 MB. The clients run on the same machine and take their share of its processors.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import sys
import time
from collections import Counter

from bench.attacked import attacked, show_waits

GOAL_MB = 300.0


def main(argv: list[str]) -> int:
    """Prints the figures; 1 where a process grew by more than its two hashes explain."""
    parser = argparse.ArgumentParser(prog="sign-in")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args(argv)
    with attacked(workers=2) as service:
        with service.asked() as quiet_ms:
            time.sleep(5.0)
        before_mb = service.memory_mb()
        with service.asked() as beside_ms, multiprocessing.Pool(1) as attackers:
            statuses = attackers.apply(attack, (service.port, options.clients, options.seconds))
        peak_mb = service.memory_mb("VmHWM")
        after_mb = service.memory_mb()
    for status, number in sorted(statuses.items()):
        print(f"passwords posted by {options.clients} clients, answered {status}: {number} requests")
    for number, (before, peak, after) in enumerate(zip(before_mb, peak_mb, after_mb, strict=True), 1):
        print(f"memory of process {number} before: {before:.0f} MB")
        print(f"memory of process {number} at its peak: {peak:.0f} MB")
        print(f"memory of process {number} after: {after:.0f} MB")
    show_waits("nearest alone", quiet_ms)
    show_waits("nearest beside them", beside_ms)
    return int(max(peak - before for before, peak in zip(before_mb, peak_mb, strict=True)) > GOAL_MB)


def attack(port: int, clients: int, seconds: float) -> Counter[int]:
    """How often each status was answered; in a process of its own."""
    return asyncio.run(_attack(port, clients, time.monotonic() + seconds))


async def _attack(port: int, clients: int, until_s: float) -> Counter[int]:
    statuses: Counter[int] = Counter()
    names = itertools.count()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until_s:
            writer.write(_post(f"nobody {next(names)}"))
            head = await reader.readuntil(b"\r\n\r\n")
            statuses[int(head.split()[1])] += 1
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return statuses


def _post(name: str) -> bytes:
    body = json.dumps({"name": name, "password": "wrong"}).encode()
    head = "POST /api/v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
