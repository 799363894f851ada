"""wangge batch locate: whole files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from gis_api.cli import app
from gis_api.commands import batch
from tests.small_city import SmallCity

Run = Callable[..., Any]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, ["batch", "locate", "--datum", "wgs84", *map(str, words)])


def positions(city: SmallCity) -> tuple[list[str], list[float], list[float]]:
    codes = sorted(city.codes)
    return codes, [city.inside(code)[0] for code in codes], [city.inside(code)[1] for code in codes]


def test_a_csv_comes_back_with_its_grids_and_otherwise_unchanged(
    run: Run, small_city: SmallCity, tmp_path: Path
) -> None:
    codes, lon, lat = positions(small_city)
    names = [f"00{at}" for at in range(len(codes))]
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pyarrow.csv.write_csv(pa.table({"id": names, "x": lon, "y": lat}), source)
    answer = run(source, "--lon", "x", "--lat", "y", "--out", out)
    assert answer.exit_code == 0, answer.output
    kinds = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(("id", "grid", "sub_grid"), pa.string()))
    table = pyarrow.csv.read_csv(out, convert_options=kinds).to_pydict()
    assert table["id"] == names
    assert table["grid"] == [code[:15] for code in codes]
    assert set(table["relation"]) == {"inside"}


def test_parquet_in_pieces_is_the_same_as_in_one(
    run: Run, small_city: SmallCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lon, lat = positions(small_city)
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"lon": lon * 5, "lat": lat * 5}), source)
    for name, rows in (("one", 10_000), ("many", 7)):
        monkeypatch.setattr(batch, "ROWS", rows)
        words = (source, "--lon", "lon", "--lat", "lat", "--out", tmp_path / f"{name}.parquet")
        assert run(*words).exit_code == 0
    one, many = (pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").to_pydict() for name in ("one", "many"))
    assert one == many


def test_bad_positions_are_refused_and_do_not_stop_the_rest(run: Run, small_city: SmallCity, tmp_path: Path) -> None:
    _, lon, lat = positions(small_city)
    lons, lats = [lon[0], np.nan, 0.0, lat[0], None], [lat[0], 39.6, 0.0, lon[0], 39.6]
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pyarrow.parquet.write_table(pa.table({"lon": lons, "lat": lats}), source)
    assert run(source, "--lon", "lon", "--lat", "lat", "--out", out).exit_code == 0
    assert pyarrow.parquet.read_table(out)["relation"].to_pylist() == ["inside"] + ["refused"] * 4


def test_a_missing_column_is_told_with_those_there_are(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a,b\n1,2\n")
    answer = run(source, "--lon", "lon", "--lat", "b", "--out", tmp_path / "out.csv")
    assert answer.exit_code == 2
    assert "a, b" in answer.output


def test_a_column_of_words_and_a_folder_that_is_not_there_are_told_in_a_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("x,y,name\n118.1,39.6,a\n")
    words = run(file, "--lon", "name", "--lat", "y", "--out", tmp_path / "out.csv")
    nowhere = run(file, "--lon", "x", "--lat", "y", "--out", tmp_path / "nowhere" / "out.csv")
    assert (words.exit_code, nowhere.exit_code) == (2, 2)
    assert "invalid value 'a'" in " ".join(words.output.replace("│", "").split())
    assert "Traceback" not in words.output + nowhere.output


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_a_table_is_read_in_any_encoding_and_a_bad_cell_refuses_its_row_only(
    run: Run, small_city: SmallCity, tmp_path: Path, encoding: str
) -> None:
    _, lon, lat = positions(small_city)
    rows = [f"001;{lon[0]};{lat[0]};学院路", f"002;东经;{lat[0]};建设路", f'003;"{lon[0]};{lat[0]};团结里', "004;;;"]
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes("\r\n".join(["编号;经度;纬度;备注", *rows, f"005; {lon[0]} ;{lat[0]};"]).encode(encoding))
    answer = run(source, "--lon", "经度", "--lat", "纬度", "--out", out)
    assert answer.exit_code == 0, answer.output
    kinds = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(("编号", "备注"), pa.string()))
    table = pyarrow.csv.read_csv(out, convert_options=kinds).to_pydict()
    assert table["relation"] == ["inside", "refused", "refused", "refused", "inside"]
    assert table["编号"] == ["001", "002", "003", "004", "005"]
    assert table["备注"][:2] == ["学院路", "建设路"]


def test_the_datum_is_asked_for_and_a_district_can_be_asked_alone(database_url: str, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("lon,lat\n118.1,39.6\n")
    words = ["batch", "locate", str(source), "--lon", "lon", "--lat", "lat", "--out", str(tmp_path / "out.csv")]
    environment = {"WANGGE_DATABASE_URL": database_url}
    answer = CliRunner().invoke(app, words, env=environment)
    assert (answer.exit_code, getattr(answer.exception, "code", None)) == (1, "datum_missing")
    answer = CliRunner().invoke(app, [*words, "--datum", "wgs84", "--district", "999999"], env=environment)
    assert getattr(answer.exception, "code", None) == "nothing_published"
