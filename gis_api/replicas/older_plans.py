"""Older plans, for questions about the past ([L6]): a few kept loaded, the others in files or in the database."""

from __future__ import annotations

import hashlib
import logging
import threading
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from gis_api.replicas.cold_start import write_private
from layers.db import transaction
from layers.locating import Atlas, Edition, Page, Term, load_edition, pack_edition, unpack_edition
from layers.shelf import Shelf
from tiling.locate import SnapshotDamaged

log = logging.getLogger("wangge.replicas")
MOST_LOADED = 6


class OlderPlans:
    """Editions of plans that are no longer in force, the last ones asked for in memory."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._loaded: Shelf[Term, Edition] = Shelf(MOST_LOADED)
        self._turn = threading.Lock()

    def page(self, atlas: Atlas, at: datetime) -> Page:
        """The plans in force at a moment. Blocks while a plan is read; raises as the database does where neither the
        plan's file nor the database can be read."""
        missing = set(atlas.list_missing(at))
        with self._turn:
            older = {term.plan_id: self._edition(term) for term in atlas.terms if term.plan_id in missing}
        return atlas.page_with(at, older)

    def _edition(self, term: Term) -> Edition:
        found = self._loaded.find(term)
        if found is None:
            found = self._find_in_file(term) or self._from_database(term)
            self._loaded.keep(term, found)
        return found

    def _find_in_file(self, term: Term) -> Edition | None:
        try:
            return unpack_edition(self._path(term).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, SnapshotDamaged) as error:
            log.warning("the file of plan %s cannot be used: %s", term.plan_id, error)
            return None

    def _from_database(self, term: Term) -> Edition:
        with transaction(self._engine) as session:
            edition = load_edition(session, term.plan_id)
        write_private(self._path(term), pack_edition(edition))
        return edition

    def _path(self, term: Term) -> Path:
        """A name that another database's plan of the same number does not have."""
        told = (
            f"{self._engine.url.database} {term.plan_id} {term.district} {term.plan_version} {term.since.isoformat()}"
        )
        return self._folder / f"{term.plan_id}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.wangge"
