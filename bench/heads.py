"""Headers without end: 150 MB of them sent to one process, what it keeps of them and how long another client waits.

    python -m bench.heads [--megabytes 150]

The connection is cut at the limit of a head (64 kB), so that the sender opens another one until all has been sent.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sys
import time

from bench.attacked import attacked, show_waits

PIECE = b"a: " + b"b" * 8_000 + b"\r\n"
GOAL_MB, GOAL_MS = 50.0, 1_000.0


def main(argv: list[str]) -> int:
    """Prints the figures; 1 where the process kept much of what was sent, or somebody waited for a second."""
    parser = argparse.ArgumentParser(prog="heads")
    parser.add_argument("--megabytes", type=int, default=150)
    options = parser.parse_args(argv)
    with attacked(workers=1) as service:
        with service.asked() as quiet_ms:
            time.sleep(3.0)
        (before_mb,) = service.memory_mb()
        with service.asked() as beside_ms, multiprocessing.Pool(1) as attackers:
            sent, connections, took_s = attackers.apply(pour, (service.port, options.megabytes * 1_000_000))
        (peak_mb,), (after_mb,) = service.memory_mb("VmHWM"), service.memory_mb()
    print(f"headers sent: {sent / 1e6:.0f} MB")
    print(f"connections that were cut meanwhile: {connections} connections")
    print(f"headers sent within: {took_s:.1f} s")
    print(f"memory before: {before_mb:.0f} MB")
    print(f"memory at its peak: {peak_mb:.0f} MB")
    print(f"memory after: {after_mb:.0f} MB")
    show_waits("nearest alone", quiet_ms)
    show_waits("nearest beside it", beside_ms)
    return int(peak_mb - before_mb > GOAL_MB or max(beside_ms) > GOAL_MS)


def pour(port: int, most: int) -> tuple[int, int, float]:
    """How many bytes of headers were sent, in how many connections and seconds; in a process of its own."""
    sent, connections, began_s = 0, 0, time.perf_counter()
    while sent < most:
        connections += 1
        with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
            try:
                link.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
                while sent < most:
                    sent += link.send(PIECE)
            except OSError:
                pass
    return sent, connections, time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
