"""The threads of the job process that tell others what happened, as soon as it did and as often as it takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy import exc as sql

from gis_api.logs import Outage
from gis_api.outgoing.addresses import Network
from gis_api.outgoing.posting import TIMEOUT_S, post
from layers import outbox
from layers.db import transaction
from layers.outbox import Parcel

# So many addresses are told at the same time; one that does not answer keeps one of them busy for its time-out.
THREADS = 4
MOST_AT_ONCE = 20
# An address is held for as long as its deliveries may take, and somewhat longer.
HOLD = timedelta(seconds=90)
ROUND_S = 60.0
EVERY_S = 0.5
log = logging.getLogger("wangge.outgoing")


class Sending:
    """Carries out what is due, between `start` and `stop`. Any number of processes may do so side by side."""

    def __init__(
        self,
        engine: Engine,
        *,
        allowed: Sequence[Network],
        clock: Callable[[], datetime],
        timeout_s: float = TIMEOUT_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._engine, self._allowed, self._clock = engine, allowed, clock
        self._timeout_s, self._every_s = timeout_s, every_s
        self._outage = Outage(log, "PostgreSQL does not answer who tells other systems")
        self._stopping = threading.Event()
        # One thread looks for all that have nothing to do.
        self._watch = threading.Lock()
        self._threads = [threading.Thread(target=self._run, name=f"outgoing-{n}", daemon=True) for n in range(THREADS)]

    def start(self) -> None:
        """Begin to look for what is due."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the requests that are under way."""
        self._stopping.set()
        until_s = time.monotonic() + self._timeout_s + 1.0
        for thread in self._threads:
            thread.join(timeout=max(0.0, until_s - time.monotonic()))

    def look(self) -> int:
        """How many deliveries were tried now: those that are due for one address."""
        return self._carry_out_all(self._claim())

    def _claim(self) -> Sequence[Parcel]:
        with transaction(self._engine) as session:
            outbox.spread(session)
        with transaction(self._engine) as session:
            return outbox.claim_parcels(session, now=self._clock(), hold=HOLD, most=MOST_AT_ONCE)

    def _carry_out_all(self, parcels: Sequence[Parcel]) -> int:
        if not parcels:
            return 0
        try:
            return self._carry_out(parcels)
        finally:
            with transaction(self._engine) as session:
                outbox.let_go(session, parcels[0].webhook_id, now=self._clock())

    def _carry_out(self, parcels: Sequence[Parcel]) -> int:
        """How many were tried: up to the first that failed, for then the address rests."""
        began_s = time.monotonic()
        for number, parcel in enumerate(parcels, 1):
            status, error = post(parcel, now=self._clock(), allowed=self._allowed, timeout_s=self._timeout_s)
            with transaction(self._engine) as session:
                outbox.settle_delivery(session, parcel.delivery_id, status=status, error=error, now=self._clock())
            if error is not None:
                log.warning("delivery %d to webhook %d failed: %s", parcel.delivery_id, parcel.webhook_id, error)
            if error is not None or self._stopping.is_set() or time.monotonic() - began_s > ROUND_S:
                return number
        return len(parcels)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._watch:
                    parcels = self._claim()
                    if not parcels:
                        self._outage.tell_end()
                        self._stopping.wait(self._every_s)
                        continue
                self._carry_out_all(parcels)
            except (sql.DBAPIError, sql.TimeoutError) as error:
                self._outage.count_failure(error)
                self._stopping.wait(self._every_s)
            except Exception:
                log.exception("what is due cannot be sent; it is tried again soon")
                self._stopping.wait(self._every_s)
