"""What a long job may take, by its size: seconds by the clock, and memory beyond what the process had before it.

Reading, checking and repairing are bounded in children of their own (`layers.sandbox`); this bounds all of a job, also
what the working process does itself. Generous: ten times what honest files took, on a machine that does other things.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from layers.errors import Unacceptable
from layers.jobs import Job

LEAST_S, S_PER_MEGABYTE, MOST_S = 120.0, 20.0, 3600.0
LEAST_BYTES, BYTES_PER_BYTE, MOST_BYTES = 2**30, 40, 4 * 2**30
# A search keeps to the time that it was given; what stands around it takes some more.
SEARCH_TIMES = 3.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Allowance:
    """The most seconds and the most bytes of one job."""

    seconds: float
    memory_bytes: int


def allowance_of(job: Job, folder: Path) -> Allowance:
    """What a job may take: an upload by the bytes of its file in `folder`, a search by the seconds asked for."""
    if job.kind == "division":
        profiles = max(1, len(job.task.get("profiles", ())))
        seconds = LEAST_S + SEARCH_TIMES * profiles * float(job.task.get("seconds", LEAST_S))
        return Allowance(min(seconds, MOST_S), MOST_BYTES)
    file = folder / str(job.task.get("upload", ""))
    size = file.stat().st_size if file.is_file() else 0
    seconds = LEAST_S + S_PER_MEGABYTE * size / 2**20
    return Allowance(min(seconds, MOST_S), min(LEAST_BYTES + BYTES_PER_BYTE * size, MOST_BYTES))


def resident_bytes() -> int:
    """The memory that this process has in use; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


@dataclass(frozen=True)
class Meter:
    """What a job has taken since this was made."""

    began: float = field(default_factory=time.monotonic)
    bytes_before: int = field(default_factory=resident_bytes)

    def excess(self, allowed: Allowance) -> Unacceptable | None:
        """The error to end the job with: `work_took_too_long`, `work_needs_too_much_memory`; None while it is fine."""
        if time.monotonic() - self.began > allowed.seconds:
            return Unacceptable("work_took_too_long", seconds=round(allowed.seconds))
        if resident_bytes() - self.bytes_before > allowed.memory_bytes:
            return Unacceptable("work_needs_too_much_memory", megabytes=allowed.memory_bytes // 2**20)
        return None
