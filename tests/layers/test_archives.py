"""Archives that mean harm are refused before a byte of them is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from layers.errors import Unacceptable
from layers.files import archives

SHAPE = b"\x00\x00\x27\x0a" + bytes(96)


def archive(folder: Path, **members: bytes) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Unacceptable) as caught:
        archives.list_shapefiles(path)
    return caught.value.code


def test_a_bomb_is_refused_by_what_it_says_it_would_become(tmp_path: Path) -> None:
    path = archive(tmp_path, **{"a.shp": SHAPE, "a.dbf": bytes(100_000_000)})
    assert path.stat().st_size < 200_000
    assert refusal(path) == "archive_is_a_bomb"


@pytest.mark.parametrize("name", ["../a.shp", "/etc/a.shp", "..\\a.shp", "C:/a.shp"])
def test_a_path_out_of_the_archive_is_refused(name: str, tmp_path: Path) -> None:
    assert refusal(archive(tmp_path, **{name: SHAPE})) == "archive_path_unsafe"


def test_an_archive_in_the_archive_is_refused(tmp_path: Path) -> None:
    assert refusal(archive(tmp_path, **{"a.shp": SHAPE, "b.zip": b"PK"})) == "archive_holds_more"


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, **{f"{n}.shp": SHAPE for n in range(archives.MOST_MEMBERS + 1)})
    assert refusal(path) == "archive_has_too_many_members"


def test_an_archive_that_is_cut_off_is_broken(tmp_path: Path) -> None:
    path = archive(tmp_path, **{"a.shp": SHAPE * 100})
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path) == "file_is_broken"


def test_names_that_windows_wrote_in_gbk_are_shown_as_meant(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(zipfile.ZipInfo("XXXX.shp"), SHAPE)
    path.write_bytes(path.read_bytes().replace(b"XXXX", "网格".encode("gbk")))
    assert list(archives.list_shapefiles(path)) == ["网格"]
