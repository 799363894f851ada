"""The demo district in PostGIS: what was loaded is what was made, published with a clean report, on time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from layers.db import make_engine, transaction
from layers.locating import load_edition
from migrations.cluster import Cluster
from migrations.demo.load import DemoReport, load_demo
from migrations.demo.model import Town
from tests.city import demo_town
from tests.databases import passing_database

pytestmark = pytest.mark.slow
NOW = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Loaded:
    """The database with the demo in it, what the loader said, and the town that it should hold."""

    engine: Engine
    report: DemoReport
    steps: list[str]
    town: Town


@pytest.fixture(scope="module")
def loaded(cluster: Cluster, template_url: str) -> Iterator[Loaded]:
    steps: list[str] = []
    with passing_database(cluster, template_url) as url:
        engine = make_engine(url)
        with transaction(engine) as session:
            report = load_demo(session, seed=1, now=NOW, progress=steps.append)
        yield Loaded(engine, report, steps, demo_town())
        engine.dispose()


def value(loaded: Loaded, statement: str) -> object:
    with transaction(loaded.engine) as session:
        return session.execute(text(statement)).scalar_one()


def rows(loaded: Loaded, statement: str) -> dict[str, object]:
    with transaction(loaded.engine) as session:
        return {str(row[0]): row[1] for row in session.execute(text(statement))}


def test_the_report_counts_what_was_written(loaded: Loaded) -> None:
    report = loaded.report
    assert (report.grids, report.sub_grids, report.workers, report.areas) == (784, 1_571, 2_386, 79)
    assert (report.hazards, report.incidents, report.devices) == (6_000, 12_000, 280)
    assert value(loaded, "SELECT count(*) FROM personal.households") == report.households
    assert value(loaded, "SELECT count(*) FROM shifts") == report.shifts
    assert value(loaded, "SELECT count(*) FROM components") == report.components
    assert value(loaded, "SELECT count(*) FROM incident_steps") == report.steps


def test_it_is_loaded_in_a_minute_even_on_a_busy_machine(loaded: Loaded) -> None:
    assert loaded.report.took_s < 60.0
    assert loaded.steps[0] == "town"
    assert len(loaded.steps) >= 5


def test_the_plan_is_published_as_version_1_for_a_year_with_a_certificate_without_errors(loaded: Loaded) -> None:
    plan = "FROM plans WHERE district = '130273'"
    assert value(loaded, f"SELECT state || plan_version {plan}") == "published1"
    assert value(loaded, f"SELECT (report ->> 'ok')::bool {plan}") is True
    assert value(loaded, f"SELECT in_force @> timestamptz '2025-03-05' {plan}") is True
    assert value(loaded, f"SELECT certificate ->> 'sha256' IS NOT NULL {plan}") is True
    assert value(loaded, "SELECT snapshot IS NOT NULL FROM publications") is True


def test_the_usual_count_of_homes_and_houses_agrees_with_the_makers(loaded: Loaded) -> None:
    for column in ("households", "buildings"):
        stored = rows(loaded, f"SELECT code, {column} FROM grids WHERE exclusive")
        assert stored == {grid.code: getattr(grid, column) for grid in loaded.town.grids if grid.exclusive}


def test_the_only_warnings_are_grids_far_from_their_target(loaded: Loaded) -> None:
    kinds = rows(loaded, "SELECT key, value::text FROM plans, jsonb_each(report -> 'summary' -> 'by_kind')")
    assert set(kinds) <= {"households_out_of_range"}


def test_buildings_lie_in_their_grid_in_sql_too(loaded: Loaded) -> None:
    outside = """
        SELECT count(*) FROM buildings b WHERE NOT EXISTS (
            SELECT 1 FROM grids g WHERE g.level = 'grid' AND g.exclusive AND ST_Covers(g.geom, b.geom))
    """
    assert value(loaded, outside) == 0


@pytest.mark.parametrize("table", ["hazards", "incidents"])
def test_what_happened_carries_the_code_of_the_tile_that_covers_it(loaded: Loaded, table: str) -> None:
    assert table in ("hazards", "incidents")
    astray = f"""
        SELECT count(*) FROM {table} h JOIN grids g ON g.code = h.current_code
        WHERE NOT ST_Covers(g.geom, h.geom) OR h.plan_version <> 1 OR g.code <> coalesce(h.sub_grid_code, h.grid_code)
    """
    assert value(loaded, astray) == 0


def test_each_community_has_somebody_on_duty_at_any_moment_and_some_grids_nobody(loaded: Loaded) -> None:
    for hours in (-59 * 24, -31, -4, 0, 9, 14, 29 * 24):
        at = (NOW + timedelta(hours=hours)).isoformat()
        on_duty = f"""
            FROM assignments a JOIN shifts s ON s.worker_id = a.worker_id AND s.span @> timestamptz '{at}'
            WHERE a.span @> timestamptz '{at}' AND a.grid_code NOT LIKE '130273000%'
        """
        assert value(loaded, f"SELECT count(DISTINCT left(a.grid_code, 12)) {on_duty}") == 74
        staffed = value(loaded, f"SELECT count(DISTINCT a.grid_code) {on_duty}")
        assert isinstance(staffed, int) and staffed < 2_355


def test_each_open_incident_has_a_due_step_and_the_decision_behind_its_worker(loaded: Loaded) -> None:
    living = "state NOT IN ('closed', 'duplicate', 'cancelled')"
    assert value(loaded, f"SELECT bool_and(due_at IS NOT NULL) FROM incidents WHERE {living}") is True
    assert value(loaded, f"SELECT bool_or(due_at IS NOT NULL) FROM incidents WHERE NOT {living}") is False
    decided = """
        FROM decisions d JOIN incidents i ON i.id = d.incident_id AND i.worker_id = d.chosen
        JOIN workers w ON w.id = i.worker_id AND d.candidates -> 0 ->> 'worker' = w.number
    """
    assert loaded.report.decisions > 5
    assert value(loaded, f"SELECT count(*) {decided}") == loaded.report.decisions
    assert value(loaded, "SELECT max(n) FROM (SELECT count(*) AS n FROM decisions GROUP BY chosen) AS per_worker") == 1


def test_sos_buttons_are_in_homes_of_lone_elders(loaded: Loaded) -> None:
    devices = """
        FROM personal.devices d JOIN personal.households h ON h.id = d.household_id AND h.building_id = d.building_id
        WHERE d.kind = 'sos_button' AND 'lone_elder' = ANY(h.classes)
    """
    assert value(loaded, f"SELECT count(*) {devices}") == 200


def test_all_classes_of_households_are_there_most_of_them_residents(loaded: Loaded) -> None:
    classes = rows(loaded, "SELECT c, count(*) FROM personal.households, unnest(classes) AS c GROUP BY c")
    assert len(classes) == 7
    assert max(classes, key=lambda name: int(str(classes[name]))) == "resident"


def test_new_rows_get_ids_after_the_demos(loaded: Loaded) -> None:
    with transaction(loaded.engine) as session:
        for table in ("buildings", "compounds", "workers", "incidents", "plans", "personal.households"):
            name = session.execute(text(f"SELECT pg_get_serial_sequence('{table}', 'id')")).scalar_one()
            largest = session.execute(text(f"SELECT max(id) FROM {table}")).scalar_one()
            assert session.execute(text(f"SELECT nextval('{name}')")).scalar_one() > largest


def test_the_edition_that_serves_lookups_loads_from_it(loaded: Loaded) -> None:
    with transaction(loaded.engine) as session:
        edition = load_edition(session, loaded.report.plan_id)
    assert edition.plan_version == 1
    assert len(edition.overlays) == 12


def test_components_stand_along_the_streets_of_the_district(loaded: Loaded) -> None:
    kinds = rows(loaded, "SELECT name, count(*) FROM components GROUP BY name")
    assert len(kinds) == 6 and 3_000 < sum(int(str(number)) for number in kinds.values()) < 6_000
    held = "SELECT 1 FROM grids g WHERE g.level = 'grid' AND g.exclusive AND ST_Covers(g.geom, c.geom)"
    assert value(loaded, f"SELECT count(*) FROM components c WHERE NOT EXISTS ({held})") == 0
    far = "SELECT 1 FROM roads r WHERE ST_DWithin(r.geom::geography, c.geom::geography, 12)"
    assert value(loaded, f"SELECT count(*) FROM components c WHERE NOT EXISTS ({far})") == 0
