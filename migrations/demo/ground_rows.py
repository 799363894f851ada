"""Writes the demo's ground: areas, the published plan with its grids, buildings and compounds, roads, water, parks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import shapely
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import Range

from layers import planning
from layers.access import service_actor
from layers.plans import Publication
from migrations.demo.model import Town
from migrations.demo.places import DISTRICT_CODE
from migrations.demo.rows import SOURCE, Writer, points

PLAN_VERSION = 1
IN_FORCE_D = 400
HOUSEHOLDS_TARGET = {"town": 30, "village": 50}
FLOOR_M = 3.0
TITLE = "现行网格划分方案"
# Whoever edited a plan may not publish it: the demo's plan has an author and a reviewer as well.
AUTHOR, REVIEWER = service_actor("demo"), service_actor("demo-reviewer")
WARNINGS = ("cut_building", "households_out_of_range", "uncovered_building")


def write_areas(writer: Writer, town: Town) -> None:
    """Areas with their boundaries, the city's CRS, the wished households per grid, and the duty desk's phone."""
    shapes = writer.polygons([area.polygon for area in town.areas])
    rows = (
        (
            *(area.code, area.name, area.level, area.parent, area.kind),
            town.epsg if area.level == "district" else None,
            HOUSEHOLDS_TARGET.get(area.kind or ""),
            # No number of a Chinese land line starts with 0.
            f"0315-0000{n:03d}",
            f"{area.name}网格中心",
            shape,
        )
        for n, (area, shape) in enumerate(zip(town.areas, shapes, strict=True))
    )
    columns = "code name level parent_code kind crs_epsg households_target duty_phone centre_name geom"
    writer.copy("areas", columns, rows=rows)


def write_plan(writer: Writer, town: Town, *, now: datetime) -> int:
    """The id of the plan with its frame, grids and area rings, submitted and not yet published."""
    plan_id = writer.reserve("plans", 1)
    since = now - timedelta(days=IN_FORCE_D)
    frame = writer.polygons([town.frame])[0]
    columns = "id district title state acknowledged frame created_by created_at submitted_by submitted_at"
    row = (plan_id, DISTRICT_CODE, TITLE, "submitted", list(WARNINGS), frame, AUTHOR.name, since, AUTHOR.name, since)
    writer.copy("plans", columns, rows=[row])
    shapes = writer.polygons([area.polygon for area in town.areas])
    rings = [
        (plan_id, area.code, area.level, area.name, area.parent, shape)
        for area, shape in zip(town.areas, shapes, strict=True)
        if area.level != "district"
    ]
    writer.copy("plan_areas", "plan_id code level name parent_code geom", rows=rings)
    _write_grids(writer, town, plan_id)
    return plan_id


def _write_grids(writer: Writer, town: Town, plan_id: int) -> None:
    shapes = writer.polygons([grid.polygon for grid in town.grids])
    rows = (
        (
            *(plan_id, grid.code, grid.level, grid.parent, grid.name, grid.kind, grid.exclusive, grid.group),
            grid.polygon.geom_type == "MultiPolygon",
            *(grid.households, grid.buildings, grid.polygon.area, shape),
        )
        for grid, shape in zip(town.grids, shapes, strict=True)
    )
    columns = "plan_id code level parent_code name kind exclusive group_name parts_allowed households buildings"
    writer.copy("grids", f"{columns} area_m2 geom", rows=rows)


def publish_plan(writer: Writer, plan_id: int, *, now: datetime) -> None:
    """Publish the plan as any other, with full check, certificate and snapshot; it is in force for a year already.

    Raises Unacceptable with the report where the demo's plan has errors.
    """
    session, since = writer.session, now - timedelta(days=IN_FORCE_D)
    plan = planning.publish(session, plan_id, version=1, by=REVIEWER)
    plan.in_force = Range(since, None, bounds="[)")
    session.flush()
    session.execute(update(Publication).where(Publication.plan_id == plan_id).values(effective_at=since))


def write_buildings(writer: Writer, town: Town) -> int:
    """The id of the first building; the others follow in the town's order. Compounds are written before them."""
    compound = writer.reserve("compounds", len(town.compounds))
    shapes = writer.polygons([each.polygon for each in town.compounds])
    writer.copy(
        "compounds",
        "id district name kind geom source external_id",
        rows=(
            (compound + n, DISTRICT_CODE, each.name, each.kind, shape, SOURCE, f"c{n}")
            for n, (each, shape) in enumerate(zip(town.compounds, shapes, strict=True))
        ),
    )
    first = writer.reserve("buildings", len(town.buildings))
    footprints = writer.polygons([each.footprint for each in town.buildings])
    inner = points(writer.lonlat(shapely.get_coordinates(np.array([b.inner_point for b in town.buildings]))))
    rows = (
        (
            *(first + n, DISTRICT_CODE, None if b.compound is None else compound + b.compound, b.name, b.address),
            *(b.kind, b.floors, b.floors * FLOOR_M, len(b.rooms), b.households, footprint, point, SOURCE, f"b{n}"),
        )
        for n, (b, footprint, point) in enumerate(zip(town.buildings, footprints, inner, strict=True))
    )
    columns = "id district compound_id name address kind floors height_m stairwells households geom inner_point"
    writer.copy("buildings", f"{columns} source external_id", rows=rows)
    return first


def write_grounds(writer: Writer, town: Town) -> Mapping[str, int]:
    """How many roads, waters and parks were written."""
    counts = {}
    roads = writer.lines([road.line for road in town.roads])
    counts["roads"] = writer.copy(
        "roads",
        "district name road_class geom source external_id",
        rows=(
            (DISTRICT_CODE, road.name, road.road_class, line, SOURCE, f"r{n}")
            for n, (road, line) in enumerate(zip(town.roads, roads, strict=True))
        ),
    )
    for table, surfaces in (("water", town.waters), ("parks", town.parks)):
        shapes = writer.polygons([surface.polygon for surface in surfaces])
        counts[table] = writer.copy(
            table,
            "district name kind geom source external_id",
            rows=(
                (DISTRICT_CODE, surface.name, surface.kind, shape, SOURCE, f"g{n}")
                for n, (surface, shape) in enumerate(zip(surfaces, shapes, strict=True))
            ),
        )
    return counts


def analyse(writer: Writer) -> None:
    """Let PostgreSQL learn what is in the new tables, so that the first questions are already fast."""
    writer.session.execute(text("ANALYZE"))
