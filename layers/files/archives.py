"""Zip archives from outside: what is in them, before a byte of it is unpacked.

Only shapefiles and KMZ are read from archives. A bomb says by itself how large it wants to become, in all and against
its packed size; a path that leaves its folder, an archive in the archive and data that point at other files are refused
by name. What else lies beside a shapefile (a note, a style, an index) is left out and told.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from layers.errors import Unacceptable

MOST_BYTES = 2**30
MOST_MEMBERS = 1_000
# Coordinates and texts shrink to a tenth at best; a table of blanks perhaps to a hundredth.
MOST_RATIO = 200
# Below this a high ratio is a small table of blanks, not a bomb.
HARMLESS_BYTES = 2**24
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".cst", ".qpj", ".qix", ".qmd", ".sbn", ".sbx", ".xml")
# Data sets that are but a description of other files, and archives in the archive.
_POINTING = (".vrt", ".gdalg", ".zip", ".gz", ".7z", ".rar", ".tar", ".kmz")
_LITTER = (".ds_store", "thumbs.db", "desktop.ini")
_SHAPEFILE_MAGIC = b"\x00\x00\x27\x0a"
_UTF8_NAME = 0x800
_LOCKED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


@dataclass(frozen=True)
class Shapefile:
    """One shapefile of an archive: its members by their ending, in small letters (`.shp` is always there)."""

    name: str
    parts: Mapping[str, zipfile.ZipInfo]


def list_shapefiles(path: Path) -> dict[str, Shapefile]:
    """The shapefiles inside an archive by the name to show; empty where there are none.

    Raises Unacceptable `file_is_broken`, `archive_is_locked`, `archive_too_large`, `archive_has_too_many_members`,
    `archive_is_a_bomb`, `archive_path_unsafe`, and `archive_holds_more` for what points at other files.
    """
    members = members_of(path)
    shapes = [member for member in members if _ending(member) == ".shp"]
    if not shapes:
        return {}
    pointing = [member for member in members if _ending(member) in _POINTING]
    if pointing:
        raise Unacceptable("archive_holds_more", file=path.name, member=decode_name(pointing[0])[:200])
    for shape in shapes:
        if head_of(path, shape, size=4) != _SHAPEFILE_MAGIC:
            raise Unacceptable("file_is_broken", file=path.name, reason=f"{decode_name(shape)} is no shapefile")
    names = _names_of(shapes)
    return {name: Shapefile(name, _parts(shape, members)) for name, shape in zip(names, shapes, strict=True)}


def strangers_in(path: Path) -> list[str]:
    """The names of members that are no part of a shapefile."""
    return [decode_name(member) for member in members_of(path) if _ending(member) not in SHAPEFILE_PARTS]


def _parts(shape: zipfile.ZipInfo, members: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Members of the same folder and stem, whatever the case of their letters: Windows does not mind, so nobody did."""
    stem = decode_name(shape)[:-4].lower()
    return {
        _ending(member): member for member in members if decode_name(member)[: -len(_ending(member))].lower() == stem
    }


def _names_of(shapes: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Members by stem; by their whole path where two folders hold the same stem."""
    stems = [PurePosixPath(decode_name(shape)).stem for shape in shapes]
    return [
        stem if stems.count(stem) == 1 else decode_name(shape)[:-4] for stem, shape in zip(stems, shapes, strict=True)
    ]


def find_kml(path: Path) -> zipfile.ZipInfo | None:
    """The document inside a KMZ, `doc.kml` before any other; None where there is none. Raises as `list_shapefiles`."""
    documents = sorted(
        (member for member in members_of(path) if _ending(member) == ".kml"), key=lambda member: member.filename
    )
    named = [one for one in documents if PurePosixPath(decode_name(one)).name.lower() == "doc.kml"]
    return next(iter(named or documents), None)


def members_of(path: Path) -> list[zipfile.ZipInfo]:
    """What is in the archive, without the litter of a Mac; raises Unacceptable for what no honest archive has."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not _is_litter(member)]
    except (*_BROKEN, UnicodeDecodeError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error
    if len(members) > MOST_MEMBERS:
        raise Unacceptable("archive_has_too_many_members", file=path.name, count=len(members), most=MOST_MEMBERS)
    for member in members:
        _refuse_unsafe(member, path)
        if member.flag_bits & _LOCKED:
            raise Unacceptable("archive_is_locked", file=path.name)
    _refuse_bomb(members, path)
    return members


def head_of(path: Path, member: zipfile.ZipInfo, *, size: int) -> bytes:
    """The first bytes of a member."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as content:
            return content.read(size)
    except _BROKEN as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error


def content_of(path: Path, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes; never more than the archive said it would hold."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as content:
            return content.read(min(member.file_size, MOST_BYTES))
    except _BROKEN as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error


def _refuse_unsafe(member: zipfile.ZipInfo, path: Path) -> None:
    # The name as it was meant: the second byte of a Chinese sign may be that of a backslash.
    name = decode_name(member).replace("\\", "/")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name or "\x00" in member.orig_filename:
        raise Unacceptable("archive_path_unsafe", file=path.name, member=name[:200])
    if name.lower().endswith((".zip", ".gz", ".7z", ".rar", ".tar")):
        raise Unacceptable("archive_holds_more", file=path.name, member=name[:200])


def _refuse_bomb(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_BYTES:
        raise Unacceptable("archive_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    packed = max(path.stat().st_size, 1)
    if unpacked > HARMLESS_BYTES and unpacked / packed > MOST_RATIO:
        raise Unacceptable("archive_is_a_bomb", file=path.name, ratio=round(unpacked / packed), most=MOST_RATIO)


def decode_name(member: zipfile.ZipInfo) -> str:
    """A member's name as it was meant: what a packer wrote in UTF-8 or GBK, where the format says code page 437."""
    if member.flag_bits & _UTF8_NAME or member.filename.isascii():
        return member.filename
    try:
        written = member.filename.encode("cp437")
    except UnicodeError:
        return member.filename
    for codec in ("utf-8", "gb18030", "cp949", "cp932"):
        try:
            return written.decode(codec)
        except UnicodeError:
            continue
    return member.filename


def _ending(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(decode_name(member)).suffix.lower()


def _is_litter(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename)
    return (
        member.is_dir()
        or member.filename.startswith("__MACOSX/")
        or name.name.startswith("._")
        or name.name.lower() in _LITTER
    )
