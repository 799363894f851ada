"""A load generator that costs less than what it measures: sockets and epoll, requests made beforehand."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Whoever is not answered for so long is not answered at all: a bench ends.
LONGEST_WAIT_S = 60.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """One round against one server: requests a second, processor time per request, and how long they took."""

    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def measured(port: int, requests: Sequence[bytes], *, pids: Sequence[int], connections: int, seconds: float) -> Round:
    """Keep every connection busy with one request at a time, for so many seconds; `pids` are all that work on it."""
    before_s, began_s = cpu_s(pids), time.perf_counter()
    took_s = drive(port, requests, connections=connections, until_s=began_s + seconds)
    wall_s, spent_s = time.perf_counter() - began_s, cpu_s(pids) - before_s
    p50_ms, p99_ms = (1e3 * at_share(took_s, share) for share in (0.5, 0.99))
    return Round(len(took_s) / wall_s, spent_s / len(took_s) * 1e6, p50_ms, p99_ms)


def at_share(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies, the nearest one there is: one value is its own median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def drive(port: int, requests: Sequence[bytes], *, connections: int, until_s: float) -> list[float]:
    """How long each request took, in seconds. Raises RuntimeError for an answer other than 200 and 201, and where
    nobody is answered any more."""
    poller, sockets, began, took = select.epoll(), {}, {}, []
    waiting: dict[int, _Answer] = {}
    for number in range(connections):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[link.fileno()], waiting[link.fileno()] = link, _Answer()
        poller.register(link.fileno(), select.EPOLLIN)
        began[link.fileno()] = time.perf_counter()
        link.sendall(requests[number % len(requests)])
    turn, open_ones = connections, connections
    while open_ones:
        ready = poller.poll(LONGEST_WAIT_S)
        if not ready:
            raise RuntimeError(f"the server answered nobody for {LONGEST_WAIT_S:.0f} s")
        for handle, _ in ready:
            link, answer = sockets[handle], waiting[handle]
            if not answer.complete(link.recv(1 << 20)):
                continue
            now = time.perf_counter()
            took.append(now - began[handle])
            if now >= until_s:
                poller.unregister(handle)
                link.close()
                open_ones -= 1
                continue
            began[handle] = now
            link.sendall(requests[turn % len(requests)])
            turn += 1
    return took


class _Answer:
    """One answer as it arrives."""

    __slots__ = ("in_chunks", "missing")

    def __init__(self) -> None:
        self.missing = -1
        self.in_chunks = False

    def complete(self, data: bytes) -> bool:
        if not data:
            raise RuntimeError("the server closed the connection")
        if self.in_chunks:
            self.in_chunks = not data.endswith(b"0\r\n\r\n")
            return not self.in_chunks
        if self.missing < 0:
            head, found, body = data.partition(b"\r\n\r\n")
            if not found:
                raise RuntimeError("an answer's head came in two parts")
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise RuntimeError(f"the server answered {data[:300]!r}")
            lowered = head.lower()
            if b"transfer-encoding: chunked" in lowered:
                self.in_chunks = not body.endswith(b"0\r\n\r\n")
                return not self.in_chunks
            stated = lowered.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self.missing = int(stated) - len(body)
        else:
            self.missing -= len(data)
        if self.missing > 0:
            return False
        self.missing = -1
        return True


def cpu_s(pids: Sequence[int]) -> float:
    """Processor time that these processes and their children have used, threads included."""
    ticks = 0
    for pid in (*pids, *_children(pids)):
        fields = _fields(pid)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / TICKS_PER_S


def _children(pids: Sequence[int]) -> list[int]:
    """The children of these processes: a database works in one process per connection."""
    known = [(int(path.name), _fields(int(path.name))) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid, fields in known if fields and int(fields[1]) in pids]


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
