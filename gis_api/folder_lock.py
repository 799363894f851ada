"""One folder, one service: the lock that a running service holds on its folder, and who holds it.

A second service on the same folder would end the first one's PostgreSQL and write over its snapshot. The lock is the
kernel's (flock), so it is gone with its process however that ended; what stands in the file is for people.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layers.errors import Conflict
from layers.moments import read_clock

NAME = "service.lock"


@contextmanager
def lock_folder(folder: Path, *, address: str) -> Iterator[None]:
    """Hold the folder for the service at this address; raises Conflict, which says who holds it already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("folder_in_use", folder=str(folder.resolve()), **_holder(path)) from error
        since = read_clock().astimezone().isoformat(timespec="seconds")
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "address": address, "since": since}) + "\n")
        file.flush()
        yield
        file.truncate(0)


def _holder(path: Path) -> dict[str, Any]:
    """What the holder wrote of itself; a file that is read while it is being written says nothing yet."""
    try:
        told = json.loads(path.read_text())
        return {name: told[name] for name in ("pid", "address", "since")}
    except (ValueError, KeyError):
        return {"pid": "?", "address": "?", "since": "?"}
