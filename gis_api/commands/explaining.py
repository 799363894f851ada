"""wangge explain: how the answer for one position came about, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gis_api.commands.database import opened_database

if TYPE_CHECKING:
    from datetime import datetime

    from gis_api.geojson import ReportedPosition
    from layers.locating import Atlas, Location

RELATIONS = {
    "inside": "covered by exactly one finest tile",
    "border": "on a shared border: the smallest code is responsible, the others are listed",
    "gap": "in a district's frame, but in no tile",
    "outside": "outside every district's frame",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    # Negative longitudes are positions, not options.
    app.command(context_settings={"ignore_unknown_options": True})(explain)


def explain(
    lon: Annotated[float, typer.Argument(help="Longitude in degrees.")],
    lat: Annotated[float, typer.Argument(help="Latitude in degrees.")],
    datum: Annotated[str, typer.Option(help="wgs84 cgcs2000 gcj02 bd09")] = "wgs84",
    accuracy_m: Annotated[float, typer.Option(help="List every grid within this radius.", min=0)] = 50.0,
    district: Annotated[str | None, typer.Option(help="Ask the plan of this district only.")] = None,
) -> None:
    """Tell how the answer for a position came about."""
    from datetime import UTC, datetime

    from sqlalchemy.orm import Session

    from gis_api.geojson import position
    from layers.access import service_actor
    from layers.locating import load_atlas

    with opened_database() as engine, Session(engine) as session:
        atlas = load_atlas(session, district=district)
    by = service_actor("wangge explain")
    reported = position(lon, lat, datum=datum, actor=by, bounds=atlas.bounds, accuracy_m=accuracy_m)
    for line in told(atlas, reported, accuracy_m=accuracy_m, at=datetime.now(UTC)):
        print(line)


def told(atlas: Atlas, reported: ReportedPosition, *, accuracy_m: float, at: datetime) -> Iterator[str]:
    """The steps of one answer, a line each."""
    yield f"sent        {reported.raw_lon:.9f}, {reported.raw_lat:.9f} in {reported.datum}"
    yield f"meant       {reported.lon:.9f}, {reported.lat:.9f} in WGS 84{moved(reported)}"
    plans = ", ".join(f"{district} version {version}" for district, version in sorted(atlas.plan_versions.items()))
    yield f"plans       {plans or 'none is published'}; index version {atlas.index_version}"
    found = atlas.locate(reported.lon, reported.lat, accuracy_m=accuracy_m, at=at)
    yield f"relation    {found.relation}: {RELATIONS[found.relation]}"
    yield from told_place(found)
    for one in found.candidates:
        yield f"near        {one.code} at {one.distance_m:.3f} m"
    if found.distance_to_border_m is not None:
        yield f"border      the nearest one is {found.distance_to_border_m:.3f} m away"
    for person in found.responsible:
        yield f"responsible {person.worker} {person.name}, {person.role} of the {person.level}"


def told_place(found: Location) -> Iterator[str]:
    """The areas from the top down, then the grid and the sub-grid."""
    for step in found.path:
        yield f"{step.level:<12}{step.code} {step.name}"
    if found.grid is not None:
        nearest = " (the nearest one)" if found.relation == "gap" else ""
        yield f"grid        {found.grid.code} {found.grid.name}, {found.grid.kind}{nearest}"
    if found.sub_grid is not None:
        yield f"sub-grid    {found.sub_grid.code} {found.sub_grid.name}"
    for one in found.dedicated:
        yield f"dedicated   {one.code} {one.name}{', exclusive' if one.exclusive else ', overlay'}"


def moved(reported: ReportedPosition) -> str:
    """How far the conversion of the datum moved the position, in words; empty where it did not."""
    from pyproj import Geod

    *_, metres = Geod(ellps="WGS84").inv(reported.raw_lon, reported.raw_lat, reported.lon, reported.lat)
    return f", {metres:.1f} m away" if metres > 0.0005 else ""
