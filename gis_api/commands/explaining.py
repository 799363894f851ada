"""wangge explain: how the answer for one position came about, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gis_api.commands.database import open_database
from gis_api.commands.speaking import say
from layers.moments import read_clock

if TYPE_CHECKING:
    from datetime import datetime

    from gis_api.geojson import ReportedPosition
    from layers.locating import Atlas, Location

RELATIONS = {
    "inside": "inside: covered by exactly one finest tile",
    "border": "border: on a shared border: the smallest code is responsible, the others are listed",
    "gap": "gap: in a district's frame, but in no tile",
    "outside": "outside: outside every district's frame",
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

    from gis_api.geojson import position
    from layers.access import service_actor
    from layers.db import reading
    from layers.locating import load_atlas

    with open_database() as engine, reading(engine) as session:
        atlas = load_atlas(session, district=district)
    by = service_actor("wangge explain")
    reported = position(lon, lat, datum=datum, actor=by, bounds=atlas.bounds, accuracy_m=accuracy_m)
    for line in explain_steps(atlas, reported, accuracy_m=accuracy_m, at=read_clock()):
        print(line)


def explain_steps(atlas: Atlas, reported: ReportedPosition, *, accuracy_m: float, at: datetime) -> Iterator[str]:
    """The steps of one answer, a line each."""
    raw_lon, raw_lat = f"{reported.raw_lon:.9f}", f"{reported.raw_lat:.9f}"
    yield _line("sent", say("{lon}, {lat} in {datum}", lon=raw_lon, lat=raw_lat, datum=reported.datum))
    yield _line("meant", describe_position(reported))
    versions = sorted(atlas.plan_versions.items())
    named = [say("{district} version {version}", district=district, version=version) for district, version in versions]
    plans = ", ".join(named) or say("none is published")
    yield _line("plans", say("{plans}; index version {version}", plans=plans, version=atlas.index_version))
    found = atlas.locate(reported.lon, reported.lat, accuracy_m=accuracy_m, at=at)
    yield _line("relation", say(RELATIONS[found.relation]))
    yield from explain_place(found)
    for one in found.candidates:
        yield _line("near", say("{code} at {metres} m", code=one.code, metres=f"{one.distance_m:.3f}"))
    if found.distance_to_border_m is not None:
        yield _line("border", say("the nearest one is {metres} m away", metres=f"{found.distance_to_border_m:.3f}"))
    for person in found.responsible:
        values = {"worker": person.worker, "name": person.name, "role": person.role, "level": person.level}
        yield _line("responsible", say("{worker} {name}, {role} of the {level}", **values))


def _line(label: str, words: str) -> str:
    return f"{say(label):<11} {words}"


def explain_place(found: Location) -> Iterator[str]:
    """The areas from the top down, then the grid and the sub-grid."""
    for step in found.path:
        yield _line(step.level, say("{code} {name}", code=step.code, name=step.name))
    if found.grid is not None:
        nearest = "{code} {name}, {kind} (the nearest one)"
        words = nearest if found.relation == "gap" else "{code} {name}, {kind}"
        yield _line("grid", say(words, code=found.grid.code, name=found.grid.name, kind=found.grid.kind))
    if found.sub_grid is not None:
        yield _line("sub-grid", say("{code} {name}", code=found.sub_grid.code, name=found.sub_grid.name))
    for one in found.dedicated:
        words = "{code} {name}, exclusive" if one.exclusive else "{code} {name}, overlay"
        yield _line("dedicated", say(words, code=one.code, name=one.name))


def describe_position(reported: ReportedPosition) -> str:
    """The position in WGS 84, and how far the conversion of the datum moved it where it did."""
    from pyproj import Geod

    *_, metres = Geod(ellps="WGS84").inv(reported.raw_lon, reported.raw_lat, reported.lon, reported.lat)
    values = {"lon": f"{reported.lon:.9f}", "lat": f"{reported.lat:.9f}", "metres": f"{metres:.1f}"}
    return say("{lon}, {lat} in WGS 84, {metres} m away" if metres > 0.0005 else "{lon}, {lat} in WGS 84", **values)
