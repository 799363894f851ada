"""What the service writes down for its operator: one line each, with the time and the request that it is about.

    2026-11-30T07:40:26.123+00:00 WARNING wangge [4f1c-2a] POST /api/v1/incidents: database_away

The mark in brackets is the `X-Request-Id` of the answer. What goes on and on is told when it begins, once a minute
while it lasts, and when it is over: twenty seconds without PostgreSQL are a few lines.
"""

from __future__ import annotations

import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import structlog

REMINDER_S = 60.0
# The id of the request that is being answered, for every line that is written meanwhile.
request_id: ContextVar[str] = ContextVar("request_id", default="-")


class Lines(logging.Formatter):
    """Time, level, name, request, words; a traceback behind them where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as it is written."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        record.message = record.getMessage()
        told = f"{at} {record.levelname} {record.name} [{request_id.get()}] {record.message}"
        return told if not record.exc_info else f"{told}\n{self.formatException(record.exc_info)}"


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is the standard error at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def install() -> None:
    """Have every line of this process written like that, the server's and the libraries' too; once is enough."""
    root = logging.getLogger()
    if any(isinstance(handler, _Stderr) for handler in root.handlers):
        return
    handler = _Stderr()
    handler.setFormatter(Lines())
    root.addHandler(handler)
    logging.getLogger("wangge").setLevel(logging.INFO)
    # Every connection that dies with its server would be a traceback; that the server is away is told once.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    # The server brings handlers of its own, which know no time.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class Outage:
    """One trouble that lasts, such as a PostgreSQL that is away: told when it begins, goes on for long, and is over."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log, self._what = log, what
        self._since_s: float | None = None
        self._told_s = 0.0
        self._count = 0

    def count_failure(self, reason: object) -> None:
        """Count one failure more."""
        now_s = time.monotonic()
        self._count += 1
        if self._since_s is None:
            self._since_s = self._told_s = now_s
            first = next(iter(str(reason).splitlines()), "")
            self._log.warning("%s: %s", self._what, first)
        elif now_s - self._told_s >= REMINDER_S:
            self._told_s = now_s
            self._log.warning("%s, for %.0f s (%d times)", self._what, now_s - self._since_s, self._count)

    def tell_end(self) -> None:
        """Tell that it is well again, where it was not."""
        if self._since_s is not None:
            self._log.warning(
                "no longer: %s, for %.0f s (%d times)", self._what, time.monotonic() - self._since_s, self._count
            )
            self._since_s, self._count = None, 0


class Seldom:
    """Lines that may come by the thousand: one each ten seconds, with the number of those that were left out."""

    def __init__(self, every_s: float = 10.0) -> None:
        self._every_s = every_s
        self._told_s = -1e9
        self._left_out = 0

    def warn(self, log: logging.Logger, words: str) -> None:
        """Write the line, or count it."""
        now_s = time.monotonic()
        if now_s - self._told_s < self._every_s:
            self._left_out += 1
            return
        more = f" (and {self._left_out} more such lines before)" if self._left_out else ""
        log.warning("%s%s", words, more)
        self._told_s, self._left_out = now_s, 0
