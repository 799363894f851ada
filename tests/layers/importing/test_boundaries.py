"""Areas: levels and parents, one CRS per city, neighbours that fit and neighbours that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.areas import Area, choose_crs, city_of, find_crs_at, get_district
from layers.errors import Forbidden, NotFound
from tests.importing import BOW_TIE, boxes, csv_file, geo_file, imported
from tiling.plane import Plane

EAST = (0.00000005, 0.0)
"""Some four millimetres."""


def ring_of(session: Session, code: str) -> shapely.Geometry:
    return shapely.from_wkb(bytes(session.scalar(select(func.ST_AsBinary(Area.geom)).where(Area.code == code)) or b""))


def test_districts_of_one_city_share_its_crs_even_across_the_edge_of_a_zone(session: Session, tmp_path: Path) -> None:
    west, east = shapely.box(115.40, 39.7, 115.49, 39.9), shapely.box(116.2, 39.7, 116.9, 39.9)
    imported(session, "areas", geo_file(tmp_path, [west, east], code=["110111", "110105"], name=["房山区", "朝阳区"]))
    later = geo_file(tmp_path, [shapely.box(115.2, 39.7, 115.39, 39.9)], code=["110109"], name=["门头沟区"])
    imported(session, "areas", later)
    assert set(session.scalars(select(Area.crs_epsg))) == {4548}
    other_city = geo_file(tmp_path, [shapely.box(115.0, 39.7, 115.2, 39.9)], code=["130600"], name=["保定"])
    imported(session, "areas", other_city)
    assert session.get_one(Area, "130600").crs_epsg == 4547


def test_codes_tell_the_level_and_the_parent(session: Session, tmp_path: Path) -> None:
    places = [shapely.box(118.1, 39.6, 118.2, 39.7)]
    imported(session, "areas", geo_file(tmp_path, places, code=["130273"], name=["高新区"]))
    table = csv_file(
        tmp_path,
        code=["13", "1302", "130273", "130273001", "130273001035", "110101", "130273009001"],
        level=["province", "prefecture", "county", "township", "community", "county", "community"],
        name=["河北省", "唐山市", "高新区", "街道", "荣馨园", "东城区", "孤儿"],
    )
    report = imported(session, "areas", table, district="130273")
    assert [(refusal.row, refusal.reason) for refusal in report.refused] == [
        (1, "level_not_used"),
        (2, "level_not_used"),
        (7, "no_such_parent"),
    ]
    stored = session.execute(select(Area.code, Area.level, Area.parent_code, Area.name).order_by(Area.code)).all()
    assert [tuple(row) for row in stored] == [
        ("130273", "district", None, "高新区"),
        ("130273001", "subdistrict", "130273", "街道"),
        ("130273001035", "community", "130273001", "荣馨园"),
    ]


def test_a_district_without_a_boundary_is_refused(session: Session, tmp_path: Path) -> None:
    table = csv_file(tmp_path, code=["130273"], name=["高新区"])
    assert imported(session, "areas", table).count_by_reason() == {"district_without_place": 1}


def test_the_rows_of_a_district_are_united(session: Session, tmp_path: Path) -> None:
    file = geo_file(
        tmp_path, boxes(count=3), county_code=["110105", "110105", "110106"], county=["朝阳区"] * 2 + ["丰台"]
    )
    report = imported(session, "areas", file, level="district", mapping={"county_code": "code", "county": "name"})
    assert (report.read, report.stored) == (3, 2)
    assert ring_of(session, "110105").symmetric_difference(shapely.union_all(boxes(count=2))).area < 1e-10


def test_boundaries_lie_on_the_lattice_with_points_on_long_edges(session: Session, tmp_path: Path) -> None:
    imported(session, "areas", geo_file(tmp_path, boxes(count=1, side=0.02), code=["130273"], name=["高新区"]))
    ring = Plane(4548).to_metres(ring_of(session, "130273"))
    steps = shapely.get_coordinates(ring)
    assert (((steps[1:] - steps[:-1]) ** 2).sum(axis=1) ** 0.5).max() <= 200.001
    assert Plane(4548).to_degrees(ring).equals_exact(ring_of(session, "130273"), 0.0)


def test_a_neighbour_within_a_centimetre_is_matched(session: Session, tmp_path: Path) -> None:
    left, right = boxes(count=2)
    imported(session, "areas", geo_file(tmp_path, [left], code=["130201"], name=["甲"]))
    off = shapely.transform(right, lambda xy: xy + EAST)
    assert imported(session, "areas", geo_file(tmp_path, [off], code=["130202"], name=["乙"])).refused == ()
    one, two = (Plane(4548).to_metres(ring_of(session, code)) for code in ("130201", "130202"))
    assert one.intersection(two).area == 0.0
    assert one.boundary.intersection(two.boundary).length == pytest.approx(222.0, abs=1.0)


def test_a_neighbour_that_overlaps_is_refused_with_the_place(session: Session, tmp_path: Path) -> None:
    left, right = boxes(count=2)
    wide = shapely.box(118.1018, 39.6, right.bounds[2], right.bounds[3])
    report = imported(session, "areas", geo_file(tmp_path, [left, wide], code=["130201", "130202"], name=["甲", "乙"]))
    assert [(refusal.row, refusal.reason, refusal.detail) for refusal in report.refused] == [
        (2, "frame_overlaps", "130201")
    ]
    assert report.refused[0].where is not None
    assert report.refused[0].where.bounds == pytest.approx((118.1018, 39.6, 118.102, 39.602), abs=1e-8)
    assert session.get(Area, "130202") is None


def test_an_invalid_boundary_is_refused_never_mended(session: Session, tmp_path: Path) -> None:
    report = imported(session, "areas", geo_file(tmp_path, [BOW_TIE], code=["130201"], name=["甲"]))
    assert report.count_by_reason() == {"invalid_geometry": 1}
    assert session.get(Area, "130201") is None


def test_what_a_second_file_does_not_say_stays(session: Session, tmp_path: Path) -> None:
    first = geo_file(tmp_path, boxes(count=1), code=["130273"], name=["高新区"], duty_phone=["0315-1"])
    imported(session, "areas", first)
    imported(session, "areas", csv_file(tmp_path, code=["130273"], name=["高新技术产业开发区"]))
    session.expire_all()
    area = get_district(session, "130273")
    assert (area.name, area.duty_phone) == ("高新技术产业开发区", "0315-1")
    assert ring_of(session, "130273").area > 0


def test_areas_outside_ones_own_are_forbidden(session: Session, tmp_path: Path) -> None:
    by = Actor(name="admin", role=Role.admin, area="130273")
    with pytest.raises(Forbidden):
        imported(session, "areas", geo_file(tmp_path, boxes(count=1), code=["110101"]), by=by)


def test_reading_districts(session: Session, tmp_path: Path) -> None:
    imported(session, "areas", geo_file(tmp_path, boxes(count=1), code=["130273"], name=["高新区"]))
    assert (city_of("130273"), city_of("MNCD"), city_of("130273001")) == ("1302", "", "")
    assert find_crs_at(session, lon=118.101, lat=39.601) == 4548
    assert find_crs_at(session, lon=0.0, lat=0.0) is None
    assert choose_crs(session, "XYZ", lon=118.11, lat=39.6) == 4548
    assert choose_crs(session, "XYZ", lon=-73.98, lat=40.77) == 32618
    with pytest.raises(NotFound):
        get_district(session, "130273001")
