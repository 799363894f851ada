"""Buildings, compounds, roads and water: stored once, refused with a reason, found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.areas import Area
from layers.buildings import Building, Compound
from layers.errors import Forbidden, Unacceptable
from layers.ground.roads import Road
from layers.ground.water import Water
from layers.history import HistoryEntry
from tests.importing import BOW_TIE, boxes, geo_file, imported


def test_buildings_come_in_with_their_words_and_an_inner_point(session: Session, tmp_path: Path) -> None:
    file = geo_file(
        tmp_path, boxes(), osm_id=[7, 8], name=["甲楼", None], floors=[6.0, None], height=[18.5, 3.0],
        housenumber=["12", None], street=["延生里", None], 户数=[24, 0],
    )  # fmt: skip
    report = imported(session, "buildings", file, district="130273")
    assert (report.read, report.stored, report.changed, report.refused) == (2, 2, 0, ())
    first = session.scalars(select(Building).where(Building.external_id == "7")).one()
    assert (first.name, first.address, first.floors, first.height_m) == ("甲楼", "12 延生里", 6, 18.5)
    assert (first.households, first.district, first.source) == (24, "130273", "rows.parquet")
    assert session.scalar(select(func.bool_and(func.ST_Covers(Building.geom, Building.inner_point))))


def test_a_second_import_changes_rows_and_doubles_none(session: Session, tmp_path: Path) -> None:
    imported(session, "buildings", geo_file(tmp_path, boxes(), osm_id=[7, 8], name=["旧", "乙"]))
    report = imported(session, "buildings", geo_file(tmp_path, boxes(), osm_id=[7, 9], name=["新", "丙"]))
    assert (report.stored, report.changed) == (2, 1)
    stored = session.execute(select(Building.external_id, Building.name).order_by(Building.external_id)).all()
    assert [tuple(row) for row in stored] == [("7", "新"), ("8", "乙"), ("9", "丙")]


def test_rows_without_an_id_are_found_again_by_their_content(session: Session, tmp_path: Path) -> None:
    lines = [shapely.LineString([(118, 39), (118.01, 39.01)])] * 2 + [shapely.LineString([(118, 39), (118.02, 39)])]
    file = geo_file(tmp_path, lines, fclass=["primary", "primary", "service"])
    assert imported(session, "roads", file).stored == 3
    assert imported(session, "roads", file).changed == 3
    assert session.scalar(select(func.count(Road.id))) == 3


def test_the_same_id_in_two_files_is_two_things(session: Session, tmp_path: Path) -> None:
    imported(session, "compounds", geo_file(tmp_path, boxes(count=1), id=[1]), source="东区")
    imported(session, "compounds", geo_file(tmp_path, boxes(count=1), id=[1]), source="西区")
    assert session.scalar(select(func.count(Compound.id))) == 2


def test_each_refused_row_has_its_number_reason_and_place(session: Session, tmp_path: Path) -> None:
    shapes = [*boxes(count=1), BOW_TIE, None, shapely.Point(118.1, 39.6), *boxes(count=3)]
    file = geo_file(
        tmp_path, shapes, id=["1", "2", "3", "4", "1", "6", None], height=["3", "3", "3", "3", "3", "tall", "3"]
    )
    report = imported(session, "buildings", file)
    assert [(refusal.row, refusal.reason) for refusal in report.refused] == [
        (2, "invalid_geometry"),
        (3, "no_geometry"),
        (4, "wrong_geometry_type"),
        (5, "duplicate_id"),
        (6, "not_a_number"),
        (7, "no_id"),
    ]
    assert report.refused[0].where is not None
    assert report.refused[0].where.distance(shapely.Point(118.105, 39.605)) < 1e-6
    assert (report.stored, report.count_by_reason()["no_id"]) == (1, 1)
    assert session.scalar(select(func.count(Building.id))) == 1


def test_a_dry_run_says_the_same_and_stores_nothing(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(), id=[1, 2])
    report = imported(session, "water", file, dry_run=True)
    assert (report.read, report.stored, report.dry_run) == (2, 2, True)
    assert session.scalar(select(func.count(Water.id))) == 0
    assert session.scalar(select(func.count(HistoryEntry.id))) == 0
    assert imported(session, "water", file).changed == 0


def test_the_district_is_the_one_that_covers_the_inner_point(session: Session, tmp_path: Path) -> None:
    frame = func.ST_GeomFromText(shapely.MultiPolygon([shapely.box(118.09, 39.59, 118.102, 39.61)]).wkt, 4326)
    session.add(Area(code="130273", name="高新区", level="district", crs_epsg=4548, geom=frame))
    session.flush()
    imported(session, "compounds", geo_file(tmp_path, boxes(), id=[1, 2]))
    stored = session.execute(select(Compound.external_id, Compound.district).order_by(Compound.external_id)).all()
    assert [tuple(row) for row in stored] == [("1", "130273"), ("2", None)]


def test_columns_are_named_by_hand_where_their_names_say_nothing(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(count=1), a=["x7"], b=["荣馨园"])
    imported(session, "compounds", file, mapping={"a": "external_id", "b": "name"})
    assert session.scalar(select(Compound.name).where(Compound.external_id == "x7")) == "荣馨园"
    with pytest.raises(Unacceptable, match="no_such_field"):
        imported(session, "compounds", file, mapping={"a": "colour"})
    with pytest.raises(Unacceptable, match="file_has_no_such_column"):
        imported(session, "compounds", file, mapping={"c": "name"})


def test_an_import_is_noted_in_the_history(session: Session, tmp_path: Path) -> None:
    imported(session, "compounds", geo_file(tmp_path, [*boxes(count=1), BOW_TIE], id=[1, 2]))
    entry = session.scalars(select(HistoryEntry)).one()
    assert (entry.action, entry.subject) == ("import.compounds", "rows.parquet")
    assert entry.details == {"read": 2, "stored": 1, "refused": {"invalid_geometry": 1}}


def test_who_has_an_area_imports_into_it_only(session: Session, tmp_path: Path) -> None:
    by = Actor(name="planner", role=Role.planner, area="130273")
    file = geo_file(tmp_path, boxes(), id=[1, 2])
    assert imported(session, "buildings", file, by=by, district="130273").stored == 2
    for district in ("110101", None):
        with pytest.raises(Forbidden):
            imported(session, "buildings", file, by=by, district=district)


def test_an_unknown_layer_or_a_table_without_places_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(Unacceptable, match="no_such_layer"):
        imported(session, "ghosts", geo_file(tmp_path, boxes()))
    (tmp_path / "names.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Unacceptable, match="file_has_no_positions"):
        imported(session, "buildings", tmp_path / "names.csv")
