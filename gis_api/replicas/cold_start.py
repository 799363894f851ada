"""The files from which a process starts while PostgreSQL is away ([L7]): the atlas with the machine keys' hashes, and
the roster, which changes each second and has a file of its own (`keeping.py` writes it)."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from gis_api.replicas.state import State
from layers.access import Actor
from layers.candidates import Roster, pack_roster, unpack_roster
from layers.locating import Rules, pack_atlas, unpack_atlas
from tiling.locate import SnapshotDamaged

log = logging.getLogger("wangge.replicas")
OWNER_ONLY = 0o600


def write_cold_start(path: Path, state: State, *, database: str, at: datetime) -> None:
    """Write the file anew, in one step, readable by its owner only; nothing where the state has no atlas."""
    if state.atlas is None:
        return
    more = {"keys": _write_keys(state.keys), "database": _digest(database), "at": at.isoformat()}
    write_private(path, pack_atlas(state.atlas, more=more))


def find_cold_start(path: Path, *, database: str, rules: Rules) -> tuple[State, datetime] | None:
    """The state in the file and when it was true; None where there is no file, a damaged one, or another database's."""
    try:
        atlas, more = unpack_atlas(path.read_bytes(), rules=rules)
    except FileNotFoundError:
        return None
    except (OSError, SnapshotDamaged) as error:
        log.error("the snapshot %s cannot be used: %s", path, error)
        return None
    if more["database"] != _digest(database):
        log.error("the snapshot %s is of another database and is not used", path)
        return None
    return State(keys=_read_keys(more["keys"]), atlas=atlas), datetime.fromisoformat(more["at"])


def write_cold_roster(path: Path, roster: Roster, *, chart: bytes, database: str, at: datetime) -> None:
    """Write the roster's file anew, in one step, readable by its owner only; `chart` are the bytes of its chart."""
    more = {"database": _digest(database), "true_at": at.isoformat()}
    write_private(path, pack_roster(roster, chart=chart, more=more))


def find_cold_roster(path: Path, *, database: str) -> tuple[Roster, datetime] | None:
    """The roster in the file and when it was true; None where there is no file, a damaged one, another database's."""
    try:
        roster, more = unpack_roster(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, SnapshotDamaged) as error:
        log.error("the roster %s cannot be used: %s", path, error)
        return None
    if more["database"] != _digest(database):
        log.error("the roster %s is of another database and is not used", path)
        return None
    return roster, datetime.fromisoformat(more["true_at"])


def write_private(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader sees the old one or the new one, and only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, OWNER_ONLY)  # noqa: PTH101 - mkstemp made it so; said again because it must never be otherwise
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_keys(keys: Mapping[bytes, Actor]) -> dict[str, Any]:
    return {digest.hex(): asdict(actor) for digest, actor in keys.items()}


def _read_keys(written: Mapping[str, Any]) -> dict[bytes, Actor]:
    return {bytes.fromhex(digest): Actor(**facts) for digest, facts in written.items()}


def _digest(database: str) -> str:
    """Which database a file belongs to, without telling its password."""
    return hashlib.sha256(database.encode()).hexdigest()
