"""Signing in without being a weapon: few passwords at a time, and guessing that gets slower, for the guesser only.

A password's hash takes 64 MB and a third of a second. At most two are worked out at once (`Turns`), a few wait, the
rest is told to come back. Whoever misses too often has to wait longer each time (`SlowDown`), counted by name and
network together: somebody who guesses elsewhere locks nobody out, and neither does a colleague behind the same address.
A browser in which this person has signed in before is counted by itself.

Misses are counted over all processes of the service (`gis_api.sign_in_counts`). Turns are taken within one process, in
its event loop: they bound its memory.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from gis_api.errors import Problem
from gis_api.sign_in_counts import Key, MissCounts, Table

# Two: one leaves a processor idle while the other waits for memory, three would keep lookups waiting.
AT_ONCE = 2
# Whoever waits behind eight others waits a second and a half.
MOST_WAITING = 8
BUSY_S = 2
# Who is sent away is told so after a while: a client that asks again at once would keep the process answering nothing
# else. Beyond so many at a time they are told at once, for each of them is held in memory.
PAUSE_S = 1.0
MOST_PAUSED = 512
# Where a name is being guessed from many networks, or many names from one network, a newcomer has so many attempts
# before waiting; somebody who mistypes twice still gets in.
FREE_UNDER_ATTACK = 3
ATTACK = 50
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 900.0
FORGOTTEN_AFTER_S = 1_800.0
# What one subscriber usually has: an address of IPv4, a /64 of IPv6.
PREFIX = {4: 32, 6: 64}


def network_of(address: str) -> str:
    """The network by which an address is counted; whatever is no address (a unix socket) is a network of its own."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return str(ip_network((found, PREFIX[found.version]), strict=False))


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody's attempt to sign in; `browser` is the token of a browser that is known for this person."""

    name: str
    network: str
    browser: str | None = None

    @property
    def key(self) -> Key:
        """By what the attempt is counted: a known browser by itself, others by name and network together."""
        return ("browser", self.browser) if self.browser else ("from", self.name, self.network)


class SlowDown:
    """How often somebody may try: some attempts freely, then after a wait that doubles with each miss."""

    def __init__(self, free: int, counts: MissCounts) -> None:
        self._free, self._counts = free, counts

    def begin(self, attempt: Attempt) -> None:
        """Count an attempt as missed until it is right; raises Problem 429 that says when to try again."""
        with self._counts.hold_table() as table:
            wait_s = self._wait_s(table, attempt)
            if wait_s <= 0:
                for key in _keys(attempt):
                    table.put(key, _number(table, key) + 1, time.monotonic())
        if wait_s > 0:
            whole_s = max(1, round(wait_s))
            raise Problem(429, "too_many_sign_ins", headers={"Retry-After": str(whole_s)}, wait_s=whole_s)

    def succeed(self, attempt: Attempt) -> None:
        """The attempt was right: forget what was counted for it."""
        with self._counts.hold_table() as table:
            _count_back(table, attempt)
            table.put(attempt.key, 0, 0.0)

    def take_back(self, attempt: Attempt) -> None:
        """Count an attempt no longer, for it was not made."""
        with self._counts.hold_table() as table:
            _count_back(table, attempt)

    def rank(self, attempt: Attempt) -> tuple[int, int, int]:
        """Who goes first where there is a queue, the smallest: known browsers, then whoever missed least."""
        with self._counts.hold_table() as table:
            network = _number(table, ("network", attempt.network))
            return (attempt.browser is None, _number(table, attempt.key), network)

    def _wait_s(self, table: Table, attempt: Attempt) -> float:
        """How long this attempt has to wait yet, in seconds; 0 where it need not."""
        over = _number(table, attempt.key) - self._count_free(table, attempt)
        if over < 0:
            return 0.0
        pause_s = min(FIRST_WAIT_S * 2.0 ** min(over, 10), LONGEST_WAIT_S)
        return max(0.0, table.find(attempt.key)[1] + pause_s - time.monotonic())

    def _count_free(self, table: Table, attempt: Attempt) -> int:
        if attempt.browser is not None:
            return self._free
        attacked = any(_number(table, key) >= ATTACK for key in _keys(attempt)[1:])
        return min(FREE_UNDER_ATTACK, self._free) if attacked else self._free


def _keys(attempt: Attempt) -> tuple[Key, ...]:
    """All by which an attempt is counted."""
    if attempt.browser is not None:
        return (attempt.key,)
    return (attempt.key, ("network", attempt.network), ("name", attempt.name))


def _number(table: Table, key: Key) -> int:
    """How many attempts missed (or have not succeeded yet); none where the last was long ago or before a restart of the
    machine, whose clock began anew."""
    number, last_s = table.find(key)
    return number if 0 <= time.monotonic() - last_s < FORGOTTEN_AFTER_S else 0


def _count_back(table: Table, attempt: Attempt) -> None:
    for key in _keys(attempt):
        number, last_s = table.find(key)
        if number > 0:
            table.put(key, number - 1, last_s)


class Turns:
    """At most so many at once; a few wait, the best of them first, and whoever is one too many is sent away."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._free, self._most, self._paused = at_once, most_waiting, 0
        self._waiting: list[tuple[tuple[int, ...], int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def take_turn(self, rank: tuple[int, ...]) -> AsyncIterator[None]:
        """One's turn, as soon as it comes; raises Problem 429 where too many of a better rank wait."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, rank: tuple[int, ...]) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), turn))
        if len(self._waiting) > self._most:
            last = max(self._waiting, key=lambda one: one[:2])
            self._waiting.remove(last)
            heapq.heapify(self._waiting)
            last[2].set_exception(Problem(429, "sign_ins_busy", headers={"Retry-After": str(BUSY_S)}, wait_s=BUSY_S))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # it had just been given to somebody who has gone
            turn.cancel()
            raise
        except Problem:
            await self.hold_back()
            raise

    async def hold_back(self) -> None:
        """Keep somebody who is sent away, for whatever reason, from asking again at once."""
        if self._paused >= MOST_PAUSED:
            return
        self._paused += 1
        try:
            await asyncio.sleep(PAUSE_S)
        finally:
            self._paused -= 1

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
