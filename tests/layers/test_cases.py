"""Files of real life, kept beside the project where it is developed: each is read right, or refused in the right words.

Every file is read as the child process reads it, in this process: sixty children would take minutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.checking import CheckTask, check
from layers.errors import Unacceptable
from layers.files import Source, Table, child
from layers.files import _table as table_of
from layers.files import _task as task_of

CASES = Path(os.environ.get("WANGGE_TEST_CASES", Path(__file__).parents[3] / "shared" / "cases"))
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the files of real life are not here")

THREE = [f"13027300100100{n}" for n in (1, 2, 3)]
SIX = [f"13027300100100{n}" for n in range(1, 7)]
SEVEN = ["130273001001001", *(f"130273001001001{n:02}" for n in range(1, 7))]
NAMES = ["学院路", "建设路", "团结里"]
LONG_NAMES = ["建设路第一网格", "团结里第二网格", "幸福村第三网格"]
WORKERS = ["赵测试", "钱测试"]

# File → what is asked beside it, the cells of one column, and the remarks.
READ: dict[str, tuple[dict[str, str], list[str | None]]] = {
    "01-spreadsheet-codes/workers.xlsx": ({}, ["00017", "18"]),
    "01-spreadsheet-codes/good.csv": ({"datum": "wgs84"}, list(SIX)),
    "02-null-makes-float/null.gpkg": ({}, [*SEVEN, None]),
    "02-null-makes-float/full.gpkg": ({}, list(SEVEN)),
    "02-null-makes-float/full.geojson": ({}, list(SEVEN)),
    **{f"03-dbf-code-page/chinese-headers-ascii-values{end}.zip": ({}, list(THREE)) for end in ("", "-ldid77")},
    **{
        f"03-dbf-code-page/{name}.zip": ({}, list(LONG_NAMES))
        for name in ("plain-gbk", "cpg-lies-utf8", "cpg-bom", *(
            f"cpg-{page}" for page in ("gbk", "936", "cp936", "gb2312", "gb18030", "ansi936")
        ))
    },
    **{
        f"04-csv-from-excel/workers-{name}": ({}, list(WORKERS))
        for name in ("gbk.csv", "semicolon.csv", "bom.csv", "bom-quoted.csv", "utf16.txt")
    },
    "06-gpkg-with-styles/styles.gpkg": ({}, list(SIX)),
    "06-gpkg-with-styles/two-layers.gpkg": ({"table": "网格2026"}, list(SIX)),
    "07-kml-folders/one-folder.kml": ({}, list(SIX)),
    "07-kml-folders/two-folders.kml": ({"table": "*"}, list(SIX)),
    "07-kml-folders/folder-and-loose.kml": ({"table": "*"}, list(SIX)),
    "07-kml-folders/label-point-in-placemark.kml": ({}, list(SIX)),
    "09-dxf-of-the-survey-office/gbk-closed-three-ways.dxf": ({"crs": "EPSG:4548", "table": "网格线"}, list(NAMES)),
    "09-dxf-of-the-survey-office/gbk-mtext-formats.dxf": ({"crs": "EPSG:4548"}, list(THREE)),
    "09-dxf-of-the-survey-office/escaped-unicode.dxf": ({"crs": "EPSG:4548"}, ["学院路", "建设路", "plain"]),
    "09-dxf-of-the-survey-office/arc-border.dxf": ({"crs": "EPSG:4548"}, list(THREE)),
    "10-old-datum-and-zone-prefix/cgcs2000.zip": ({}, list(THREE)),
    "10-old-datum-and-zone-prefix/prefix-39-says-4527.zip": ({}, list(THREE)),
    **{
        f"15-rings-wound-the-wrong-way/{name}.zip": ({}, ["130273001001001", "130273001001002"])
        for name in ("right", "both-reversed", "hole-first", "same-way-cw", "same-way-ccw")
    },
    **{
        f"23-zips-of-real-life/{name}.zip": ({}, list(NAMES))
        for name in (
            "mac", "with-xml-and-index", "upper-case", "dot-in-name", "gbk-names", "gbk-names-5c",
            "with-readme-and-style",
        )
    },
    **{
        f"24-crs-member/{name}.geojson": ({}, list(THREE))
        for name in ("urn-4326-lonlat", "urn-4490", "epsg-4548-metres", "crs-null")
    },
}  # fmt: skip
REFUSED: dict[str, str] = {
    "06-gpkg-with-styles/two-layers.gpkg": "file_has_several_tables",
    "07-kml-folders/two-folders.kml": "file_has_several_tables",
    "07-kml-folders/folder-and-loose.kml": "file_has_several_tables",
    "10-old-datum-and-zone-prefix/beijing54.zip": "crs_untied",
    "10-old-datum-and-zone-prefix/prefix-39-says-4548.zip": "crs_does_not_fit",
    "10-old-datum-and-zone-prefix/no-prefix-says-4527.zip": "crs_does_not_fit",
    "10-old-datum-and-zone-prefix/northing-first-says-4548.zip": "crs_does_not_fit",
    "10-old-datum-and-zone-prefix/prefix-39-no-prj.zip": "crs_missing",
    "24-crs-member/urn-4326-latlon.geojson": "file_is_swapped",
    "24-crs-member/metres-without-crs.geojson": "crs_does_not_fit",
    **{
        f"24-crs-member/{name}": "crs_untied"
        for name in (
            "crs-unknown.geojson", "crs-says-gcj02.geojson", "crs-says-local.geojson", "crs-link.geojson",
            "crs-says-xian80.geojson", "gpkg-undefined-cartesian.gpkg", "prj-local.zip", "prj-unknown-datum.zip",
        )
    },
    "24-crs-member/prj-garbage.zip": "crs_missing",
    "../data/foreign/kostat_gu.zip": "crs_untied",
}  # fmt: skip


def read(name: str, **known: Any) -> Table:
    return table_of(child.read_bytes(json.dumps(task_of(Source(path=CASES / name, **known))).encode()))


def cells(table: Table) -> list[list[str | None]]:
    return [list(column) for column in table.columns.values()]


@pytest.mark.parametrize("name", READ)
def test_a_file_of_real_life_is_read_as_it_was_meant(name: str) -> None:
    asked, expected = READ[name]
    assert expected in cells(read(name, **asked))


@pytest.mark.parametrize("name", [name for name, (_, cells) in READ.items() if cells != WORKERS and "xlsx" not in name])
def test_what_is_read_is_a_tiling_where_the_file_holds_one(name: str) -> None:
    table = read(name, **READ[name][0])
    assert table.geometries is not None
    shapes = [shape for shape, code in zip(table.geometries, READ[name][1], strict=True) if code is not None]
    finest = shapes[1:] if READ[name][1][: len(SEVEN)] == SEVEN else shapes
    report = check(CheckTask(codes=[str(n) for n in range(len(finest))], polygons=finest))
    assert report["defects"] == []
    if name.startswith("15"):
        assert report["summary"]["area_m2"] == pytest.approx(90_000, rel=1e-3)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_told_is_refused_as_a_whole(name: str) -> None:
    with pytest.raises(Unacceptable) as caught:
        read(name)
    assert caught.value.code == REFUSED[name]


def test_a_korean_file_is_read_by_the_code_page_in_its_header() -> None:
    assert any("종로구" in column for column in cells(read("../data/foreign/juso_gu.zip")))


def test_what_is_left_out_is_told() -> None:
    told: Mapping[str, Any] = dict(read("07-kml-folders/label-point-in-placemark.kml").notes)
    assert told["labels_left_out"] == {"count": 1}
    assert "members_left_out" in dict(read("23-zips-of-real-life/with-readme-and-style.zip").notes)
    assert dict(read("03-dbf-code-page/cpg-lies-utf8.zip").notes)["encoding_overruled"]["used"] == "gb18030"


@pytest.mark.parametrize("name", [f"points-{one}.csv" for one in ("dashes", "empty-cell", "one-bad")])
def test_a_bad_cell_of_a_position_is_a_fault_of_its_row_only(name: str) -> None:
    table = read(f"04-csv-from-excel/{name}", datum="wgs84")
    assert table.geometries is not None
    assert table.geometries[0].distance(shapely.Point(118.18, 39.65)) < 1e-9
    assert {fault.code for fault in table.faults.values()} == {"no_geometry"}
