"""Looking into a file before it is imported: what is in it, what is missing, what an import would take for what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import files, planning
from layers.access import Actor, require_area
from layers.areas import Area
from layers.importing.columns import fields_of, guess_columns
from layers.importing.extent import find_boundary
from layers.importing.report import ImportOptions
from layers.registry import IMPORTED
from layers.sandbox import Room


def inspect_file(
    session: Session, file: Path, *, options: ImportOptions, room: Room | None = None, by: Actor
) -> dict[str, Any]:
    """What `layers.files.inspect` tells of a file against the boundary of the district, and for each layer the fields
    with the column that would be taken for each by its name (`guesses`); nothing is stored. `in_force` counts the
    sub-grids and overlays of the district.

    Raises Unacceptable for a file that cannot be read at all, Forbidden for a foreign district.
    """
    frame, epsg = None, None
    if options.district is not None:
        require_area(by, options.district)
        frame = find_boundary(session, options.district)
        epsg = session.scalar(select(Area.crs_epsg).where(Area.code == options.district))
    source = files.Source(
        path=file,
        crs=options.crs,
        datum=options.datum,
        table=options.table,
        encoding=options.encoding,
        preferred="grids",
    )
    told = files.inspect(source, frame=frame, epsg=epsg, room=room)
    names = [field["name"] for field in told.get("fields", ())]
    guesses = {layer: guess_columns(layer, names) for layer in IMPORTED}
    fields = {layer: fields_of(layer) for layer in IMPORTED}
    # Asked about where the file holds base grids alone.
    below = planning.LeftOut()
    if options.district is not None:
        below = planning.find_left_out(session, options.district, sub_grids=False, overlays=False)
    in_force = {"sub_grids": below.sub_grids, "overlays": below.overlays}
    told_more = {"guesses": guesses, "layer_fields": fields, "district": options.district, "in_force": in_force}
    return {**told, **told_more}
