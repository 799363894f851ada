"""Real sets with real faults: what the check says of them, and that a repair asks or makes them valid."""

import os
from pathlib import Path

import geopandas
import numpy as np
import pytest

from tiling.coverage import check_polygons
from tiling.plane import Plane, city_epsg
from tiling.repair import propose

DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[3] / "shared" / "data")))
SETS = {
    "fire companies": "nyc/fire_companies.geojson",
    "election districts": "nyc/election_districts_2013.geojson",
    "Providence": "defects/providence_precincts.gpkg",
    "a bad gap in Colorado": "defects/colorado_gap_region.gpkg",
    "Denver": "defects/denver_precincts_2020.gpkg",
    "old Beijing": "cn/beijing_old_subdistricts_defects.gpkg",
}
EVERYTHING = {"overlap": "split", "gap": "longest_border", "overshoot": "trim"}

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="no real data: set WANGGE_TEST_DATA to the folder that holds them"),
]


def loaded(name: str) -> tuple[list[str], np.ndarray]:
    frame = geopandas.read_file(DATA / SETS[name]).to_crs(4326)
    west, south, east, north = frame.total_bounds
    plane = Plane(city_epsg((west + east) / 2, (south + north) / 2))
    return [f"{row:04d}" for row in range(len(frame))], plane.to_metres(np.array(frame.geometry, dtype=object))


def test_the_faults_of_the_fire_companies_are_counted() -> None:
    codes, polygons = loaded("fire companies")
    report = check_polygons(codes, polygons)
    assert report.summary()["by_kind"] == {"overlap": 5, "gap": 4}
    overlap_m2 = sum(d.area_m2 for d in report.defects if d.kind == "overlap")
    gap_m2 = sum(d.area_m2 for d in report.defects if d.kind == "gap")
    assert overlap_m2 == pytest.approx(48_000, rel=0.02)
    assert gap_m2 == pytest.approx(21_761, rel=0.02)


def test_the_townships_of_beijing_tile_their_ground() -> None:
    frame = geopandas.read_parquet(DATA / "cn/beijing_townships.parquet")
    polygons = Plane(4548).to_metres(np.array(frame.geometry, dtype=object))
    codes = [f"{row:04d}" for row in range(len(frame))]
    assert check_polygons(codes, polygons, parts_allowed=codes).ok


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_an_undecided_repair_lists_what_a_person_must_decide(name: str) -> None:
    codes, polygons = loaded(name)
    repair = propose(codes, polygons)
    faults = {defect.kind for defect in repair.report.defects} - {"multipart", "unmatched_vertex"}
    assert faults <= {"overlap", "gap", "contained", "duplicate"}
    assert bool(faults) == bool(repair.undecided)
    assert set(repair.polygons) == set(codes)
    for change in repair.differences:
        # Nothing over a square metre without a question, nodes on slanted edges and all.
        assert change.gained_m2 + change.lost_m2 <= 1.0
    changed = {difference.code for difference in repair.differences}
    for code, before in zip(codes, polygons, strict=True):
        if code not in changed:
            assert repair.polygons[code] is before


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_a_decided_repair_is_valid_and_loses_no_grid(name: str) -> None:
    codes, polygons = loaded(name)
    repair = propose(codes, polygons, options=EVERYTHING)
    assert {defect.kind for defect in repair.report.defects} <= {"multipart", "unmatched_vertex"}
    assert set(repair.polygons) == set(codes)
    assert repair.undecided == ()


def test_vertices_come_back_from_degrees_bit_for_bit() -> None:
    codes, polygons = loaded("fire companies")
    plane = Plane(city_epsg(-73.97, 40.78))
    again = plane.to_metres(plane.to_degrees(polygons))
    assert [shape.wkb for shape in again] == [shape.wkb for shape in polygons]
    assert len(codes) == 74
