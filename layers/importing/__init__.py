"""Real data into the stored layers, with a report of what was refused and why.

    report = import_layer(session, "buildings", file=path, options=ImportOptions(), progress=..., by=actor)

A file is read in a child process (`layers.files`), its columns are matched with the fields of the layer (`columns`),
and each row is stored or refused with its number, a reason and its place. Nothing is repaired. Rows are found again by
(source, id), so a second import changes instead of doubling. Grids become draft plans, never published ones (`drafts`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor, require_area
from layers.db import wait_longer
from layers.errors import Unacceptable
from layers.importing.agreement import Agreement, Miss, StatedAs, compare_stated
from layers.importing.boundaries import store_areas
from layers.importing.cases import store_hazards, store_incidents
from layers.importing.columns import guess_columns
from layers.importing.drafts import store_grids
from layers.importing.extent import refuse_foreign
from layers.importing.inspecting import inspect_file
from layers.importing.people import store_devices, store_households, store_shifts, store_workers
from layers.importing.plain import store_plain
from layers.importing.polygons import read_frame, read_polygons
from layers.importing.reading import Sheet, read_sheet
from layers.importing.report import ImportOptions, ImportReport, Note, Progress, Refusal
from layers.importing.report import as_json as report_as_json
from layers.importing.site import SiteFiles, read_site
from layers.registry import IMPORTED
from layers.sandbox import Room

_Store = Callable[[Session, Sheet], ImportReport]


def ignore_progress(_words: str, _share: float) -> None:
    """Progress that nobody watches."""


def import_layer(
    session: Session,
    layer: str,
    *,
    file: Path,
    options: ImportOptions,
    progress: Progress = ignore_progress,
    room: Room | None = None,
    by: Actor,
) -> ImportReport:
    """The report of an import of one file into one layer: rows read, stored, refused with reasons, remarks, drafts.

    All in the caller's transaction; a dry run does everything and takes it back. Raises Unacceptable where the file or
    what is asked makes no sense as a whole (then nothing is stored), with the place for the file of another district;
    Forbidden outside the actor's area. `room` limits the child process that reads the file, and may call it off.
    """
    if layer not in IMPORTED:
        raise Unacceptable("no_such_layer", layer=layer, layers=", ".join(IMPORTED))
    require_area(by, options.district)
    sheet = read_sheet(layer, file, options, progress=progress, room=room)
    refuse_foreign(session, sheet)
    # Reading takes its own time; from here on it is the database that works, on many rows in one statement.
    wait_longer(session, 0)
    with session.begin_nested() as attempt:
        report = _store_of(layer, by)(session, sheet)
        if options.dry_run:
            attempt.rollback()
            return replace(report, dry_run=True, plans={})
        history.note(
            session,
            f"import.{layer}",
            subject=sheet.source,
            area=options.district or "",
            by=by,
            read=report.read,
            stored=report.stored,
            refused=report.count_by_reason(),
        )
    progress("done", 1.0)
    return report


def _store_of(layer: str, by: Actor) -> _Store:
    """The verb of its own that a layer has, else the one for whatever its spec tells wholly."""
    stores: dict[str, _Store] = {
        "areas": lambda session, sheet: store_areas(session, sheet, by=by),
        "grids": lambda session, sheet: store_grids(session, sheet, by=by),
        "hazards": store_hazards,
        "incidents": lambda session, sheet: store_incidents(session, sheet, by=by),
        "households": lambda session, sheet: store_households(session, sheet, by=by),
        "devices": lambda session, sheet: store_devices(session, sheet, by=by),
        "workers": lambda session, sheet: store_workers(session, sheet, by=by),
        "shifts": lambda session, sheet: store_shifts(session, sheet, by=by),
    }
    return stores.get(layer, store_plain)


__all__ = [
    "Agreement",
    "ImportOptions",
    "ImportReport",
    "Miss",
    "Note",
    "Progress",
    "Refusal",
    "SiteFiles",
    "StatedAs",
    "compare_stated",
    "guess_columns",
    "import_layer",
    "inspect_file",
    "read_frame",
    "read_polygons",
    "read_site",
    "report_as_json",
]
