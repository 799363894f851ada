"""Reading files: every kind, every CRS and datum, every encoding, and files that mean harm."""

from __future__ import annotations

import gzip
import json
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pytest
import shapely

from layers.errors import LayerError
from layers.files import Source, Table, opening, read
from layers.files.sniffing import FileKind
from layers.sandbox import Room, SandboxLimits
from tiling import datums

HOME = shapely.box(118.1, 39.6, 118.2, 39.7)


def frame(crs: str | None = "EPSG:4326", **columns: list[Any]) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns or {"name": ["延生里"]}, geometry=[HOME], crs=crs)


def refusal(path: Path, **known: Any) -> LayerError:
    with pytest.raises(LayerError) as caught:
        read(Source(path=path, **known))
    return caught.value


def zipped_shapefile(folder: Path, *, encoding: str, crs: str | None = "EPSG:4326", cpg: bool = False) -> Path:
    frame(crs).to_file(folder / "homes.shp", encoding=encoding)
    if not cpg:
        (folder / "homes.cpg").unlink(missing_ok=True)
    archive = folder / "homes.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in folder.glob("homes.[!z]*"):
            packed.write(part, f"inner/{part.name}")
    return archive


WRITERS: dict[str, Callable[[geopandas.GeoDataFrame, Path], Any]] = {
    "gpkg": lambda rows, path: rows.to_file(path, driver="GPKG"),
    "geojson": lambda rows, path: rows.to_file(path, driver="GeoJSON"),
    "fgb": lambda rows, path: rows.to_file(path, driver="FlatGeobuf"),
    "kml": lambda rows, path: rows.rename(columns={"name": "Name"}).to_file(path, driver="LIBKML"),
    "parquet": lambda rows, path: rows.to_parquet(path),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_each_kind_of_file_gives_the_same_shape_whatever_it_is_called(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"homes.{ending}"
    WRITERS[ending](frame(), path)
    table = read(Source(path=path.rename(tmp_path / "homes.data")))
    assert len(table) == 1
    assert table.geometries is not None
    assert shapely.equals(shapely.normalize(table.geometries[0]), shapely.normalize(HOME))
    assert "延生里" in [values[0] for values in table.columns.values()]


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
def test_a_dbf_that_does_not_say_its_encoding_is_read_as_utf8_then_gb18030(encoding: str, tmp_path: Path) -> None:
    table = read(Source(path=zipped_shapefile(tmp_path, encoding=encoding)))
    assert table.columns["name"] == ["延生里"]
    assert (table.encoding or "").upper() == encoding


def test_a_cpg_file_says_the_encoding(tmp_path: Path) -> None:
    table = read(Source(path=zipped_shapefile(tmp_path, encoding="GB18030", cpg=True)))
    assert table.columns["name"] == ["延生里"]


def test_a_csv_in_gbk_with_semicolons_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("名称;lon;lat\n朝园里;118.15;39.65\n;;\n".encode("gbk"))
    table = read(Source(path=path, datum="cgcs2000"))
    assert table.columns["名称"] == ["朝园里", None]
    assert table.geometries is not None
    assert table.geometries[0].equals(shapely.Point(118.15, 39.65))
    assert table.faults[2].code == "no_geometry"


def test_codes_keep_their_zeros_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    rows = {"code": ["0012", None], "floors": [6.0, None], "height": [17.5, 3.0]}
    geopandas.GeoDataFrame(rows, geometry=[HOME, HOME], crs=4326).to_parquet(path)
    table = read(Source(path=path))
    assert (table.columns["code"], table.columns["floors"]) == (["0012", None], ["6", None])
    assert table.columns["height"] == ["17.5", "3"]


def test_a_file_in_metres_comes_back_in_degrees_with_x_east(tmp_path: Path) -> None:
    path = tmp_path / "north_first.gpkg"
    frame().to_crs("EPSG:4548").to_file(path)
    table = read(Source(path=path))
    assert table.taken_as == "EPSG:4548"
    assert table.geometries is not None
    assert table.geometries[0].symmetric_difference(HOME).area < 1e-12


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_datum_that_was_asked_for_is_taken_away(datum: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lon, lat = datums.from_wgs84(118.15, 39.65, datum)
    path.write_text(f"经度,纬度\n{lon!r},{lat!r}\n", encoding="utf-8")
    table = read(Source(path=path, datum=datum))
    assert table.geometries is not None
    assert table.geometries[0].distance(shapely.Point(118.15, 39.65)) < 2e-9


def test_heights_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "homes.gpkg"
    geopandas.GeoDataFrame({"a": [1]}, geometry=[shapely.force_3d(HOME, 12.0)], crs=4326).to_file(path)
    table = read(Source(path=path))
    assert table.geometries is not None
    assert not table.geometries[0].has_z


def test_a_file_without_crs_is_refused_until_the_crs_is_given(tmp_path: Path) -> None:
    archive = zipped_shapefile(tmp_path, encoding="UTF-8", crs=None)
    assert refusal(archive).code == "crs_missing"
    assert read(Source(path=archive, crs="EPSG:4326")).taken_as == "EPSG:4326"
    frame(None).to_parquet(tmp_path / "homes.parquet")
    assert refusal(tmp_path / "homes.parquet").code == "crs_missing"


def test_longitudes_in_china_need_a_datum_and_elsewhere_they_do_not(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("lon,lat\n118.15,39.65\n")
    assert refusal(path).code == "crs_missing"
    path.write_text("lon,lat\n-73.98,40.77\n")
    assert read(Source(path=path)).notes == (("datum_makes_no_difference", {}),)


def test_a_crs_that_contradicts_the_file_is_used_and_told(tmp_path: Path) -> None:
    path = tmp_path / "homes.gpkg"
    frame("EPSG:4490").to_file(path)
    assert read(Source(path=path, crs="EPSG:4326")).notes[0][0] == "crs_overruled"


def test_feet_that_claim_to_be_degrees_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "homes.geojson"
    feet = shapely.box(3144474, 1694874, 3144574, 1694974)
    geopandas.GeoDataFrame({"a": [1]}, geometry=[feet], crs=4326).to_file(path)
    assert refusal(path).code == "crs_does_not_fit"
    assert read(Source(path=path, crs="EPSG:2232")).faults == {}


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"crs": "EPSG:0"}, "crs_unknown"),
        ({"datum": "mars"}, "datum_unknown"),
        ({"crs": "EPSG:4326", "datum": "gcj02"}, "crs_and_datum"),
        ({"geometry": "shape"}, "file_has_no_such_column"),
        ({"table": "roads"}, "file_has_no_such_table"),
    ],
)
def test_what_is_asked_must_make_sense(known: dict[str, str], code: str, tmp_path: Path) -> None:
    frame().to_file(tmp_path / "homes.gpkg")
    assert refusal(tmp_path / "homes.gpkg", **known).code == code


def test_one_of_several_tables_must_be_named_or_be_the_preferred_one(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    frame(name=["甲"]).to_file(path, layer="buildings")
    frame(name=["乙"]).to_file(path, layer="water")
    assert refusal(path).code == "file_has_several_tables"
    assert read(Source(path=path, preferred="buildings")).columns["name"] == ["甲"]
    assert read(Source(path=path, preferred="buildings", table="water")).columns["name"] == ["乙"]


def test_each_bad_row_is_named_with_its_fault_and_place(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(118, 39), (119, 40), (119, 39), (118, 40)])
    mixed = shapely.GeometryCollection([HOME, shapely.Point(0, 0)])
    shapes = [HOME, bow_tie, None, mixed, shapely.box(200, 39, 201, 40)]
    rows = geopandas.GeoDataFrame({"a": range(5)}, geometry=shapes, crs=4326)
    rows.to_parquet(tmp_path / "rows.parquet")
    table = read(Source(path=tmp_path / "rows.parquet"))
    assert {row: fault.code for row, fault in table.faults.items()} == {
        2: "invalid_geometry",
        3: "no_geometry",
        4: "unsupported_geometry",
        5: "outside_the_earth",
    }
    assert table.faults[2].where == shapely.Point(118.5, 39.5)
    assert table.geometries is not None
    assert [shape is None for shape in table.geometries] == [False, False, True, True, True]


VRT = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'


@pytest.mark.parametrize("name", ["a.geojson", "a.shp", "a.vrt", "a.csv"])
def test_a_virtual_file_is_refused_under_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("\n  " + VRT)
    assert refusal(tmp_path / name).code == "file_is_vrt"


def test_a_virtual_file_inside_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.shp", VRT)
    assert refusal(path).code == "file_is_broken"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.vrt", VRT)
    assert refusal(path).code == "archive_holds_more"


def test_a_virtual_file_hidden_in_a_geojson_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    collection = {"type": "FeatureCollection", "note": vrt + "</OGRVRTDataSource>", "features": []}
    (tmp_path / "a.geojson").write_text(json.dumps(collection))
    assert refusal(tmp_path / "a.geojson").code == "file_is_vrt"


@pytest.mark.slow
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.shp", "w", force_zip64=True) as shp,
    ):
        for _ in range(1100):
            shp.write(bytes(2**20))
    assert refusal(path).code == "archive_too_large"


@pytest.mark.slow
def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(b"a,b\n")
        for _ in range(1100):
            packed.write(b"1,2\n" * 2**18)
    assert refusal(path).code == "file_too_large"


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.geojson"
    with path.open("wb") as file:
        file.truncate(2**31)
    assert refusal(path).code == "file_too_large"


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "parquet", "geojson", "zip"])
def test_a_truncated_file_is_refused(ending: str, tmp_path: Path) -> None:
    if ending == "zip":
        path = zipped_shapefile(tmp_path, encoding="UTF-8")
    else:
        path = tmp_path / f"homes.{ending}"
        WRITERS[ending](frame(), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    assert refusal(path).code in ("file_is_broken", "work_failed", "work_crashed")


def test_deeply_nested_collections_end_the_child_at_worst(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"type": "Point", "coordinates": [0, 0]}
    text = json.dumps(shape)
    for _ in range(20_000):
        text = '{"type":"GeometryCollection","geometries":[' + text + "]}"
    feature = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":' + text + "}]}"
    (tmp_path / "nested.geojson").write_text(feature)
    try:
        table: Table | None = read(Source(path=tmp_path / "nested.geojson"))
    except LayerError as error:
        assert error.code in ("file_is_broken", "work_failed", "work_crashed")
    else:
        assert table is not None
        assert [fault.code for fault in table.faults.values()] in (["unsupported_geometry"], ["no_geometry"])


def test_nested_well_known_binary_ends_the_child_at_worst(tmp_path: Path) -> None:
    inner = shapely.to_wkb(shapely.Point(0, 0))
    for _ in range(40_000):
        inner = b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" + inner if len(inner) < 400_000 else inner
    path = tmp_path / "nested.parquet"
    frame().to_parquet(path)
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    kept = {name: schema.metadata[name] for name in (b"geo",)}
    evil = pyarrow.table({"name": ["x"], "geometry": pyarrow.array([inner], type=pyarrow.binary())})
    pyarrow.parquet.write_table(evil.replace_schema_metadata(kept), path)
    try:
        faults = read(Source(path=path)).faults
    except LayerError as error:
        assert error.code in ("file_is_broken", "work_failed", "work_crashed")
    else:
        assert [fault.code for fault in faults.values()] == ["unsupported_geometry"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_is_empty"),
        (b"  \n", "file_is_empty"),
        (b"\x7fELF\x00\x01", "file_unknown"),
        (b"no commas at all", "file_unknown"),
        (b"<html><body>404</body></html>", "file_unknown"),
        (b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><kml>&lol;</kml>', "file_has_entities"),
        (b"SQLite format 3\x00" + bytes(200), "file_unknown"),
        (b'{"type": "FeatureCollection", "features": [', "file_is_broken"),
        (b"PK\x03\x04" + bytes(100), "file_is_broken"),
        (b"\x1f\x8b" + bytes(100), "file_is_broken"),
    ],
)
def test_what_is_no_vector_file_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / "file.geojson").write_bytes(content)
    assert refusal(tmp_path / "file.geojson").code == code


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "gone.gpkg")
    assert (error.code, error.details["file"]) == ("file_missing", "gone.gpkg")


def test_a_reader_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    pandas.DataFrame({"lon": [0.0] * 10, "lat": [0.0] * 10}).to_csv(tmp_path / "rows.csv")
    with pytest.raises(LayerError, match="work_took_too_long"):
        read(Source(path=tmp_path / "rows.csv"), room=Room(limits=SandboxLimits(wall_s=0.01)))


@pytest.mark.parametrize("kind", ["proj4", "esriwkt", "ogcwkt"])
def test_a_link_instead_of_a_crs_is_asked_for_and_fetched_by_nobody(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        link = {"href": f"http://127.0.0.1:{listening.getsockname()[1]}/crs", "type": kind}
        told = json.loads(frame().to_json(drop_id=True)) | {"crs": {"type": "link", "properties": link}}
        (tmp_path / "linked.geojson").write_text(json.dumps(told))
        error = refusal(tmp_path / "linked.geojson")
        assert (error.code, link["href"] in error.details["declared"]) == ("crs_untied", True)
        assert read(Source(path=tmp_path / "linked.geojson", crs="EPSG:4326")).faults == {}
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_a_table_too_wide_is_refused_before_its_cells_are_read(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"wide.{ending}"
    WRITERS[ending](frame(**{f"p{number}": ["1"] for number in range(1_001)}), path)
    monkeypatch.setattr(opening.pyogrio, "read_arrow", pytest.fail)
    kind = FileKind.geojson if ending == "geojson" else FileKind.geopackage
    with pytest.raises(LayerError) as caught:
        opening.open_file(path, kind, opening.Wanted())
    assert caught.value.code == "file_has_too_many_columns"
    assert caught.value.details["count"] == 1_001
