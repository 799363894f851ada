"""Zip archives from outside: what is in them, before a byte of it is unpacked.

Only shapefiles and KMZ are read from archives. A bomb says by itself how large it wants to become, in all and against
its packed size; a path that leaves its folder, an archive in the archive and foreign members are refused by name.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from layers.errors import Unacceptable

MOST_BYTES = 2**30
MOST_MEMBERS = 1_000
# Coordinates and texts shrink to a tenth at best; a table of blanks perhaps to a hundredth.
MOST_RATIO = 200
# Below this a high ratio is a small table of blanks, not a bomb.
HARMLESS_BYTES = 2**24
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".qmd", ".sbn", ".sbx", ".xml", ".cst")
_SHAPEFILE_MAGIC = b"\x00\x00\x27\x0a"
_UTF8_NAME = 0x800


def shapefiles_in(path: Path) -> dict[str, str]:
    """The shapefiles inside an archive: the name to show → the member; empty where there are none.

    Raises Unacceptable `file_is_broken`, `archive_too_large`, `archive_has_too_many_members`, `archive_is_a_bomb`,
    `archive_path_unsafe` and, beside a shapefile, `archive_holds_more` for members that are no part of one.
    """
    members = members_of(path)
    shapes = [member for member in members if _ends(member, (".shp",))]
    if not shapes:
        return {}
    foreign = [member for member in members if not _ends(member, SHAPEFILE_PARTS)]
    if foreign:
        raise Unacceptable("archive_holds_more", file=path.name, member=_shown(foreign[0]))
    for shape in shapes:
        if head_of(path, shape.filename, size=4) != _SHAPEFILE_MAGIC:
            raise Unacceptable("file_is_broken", file=path.name, reason=f"{_shown(shape)} is no shapefile")
    return _by_name(shapes)


def _by_name(shapes: Sequence[zipfile.ZipInfo]) -> dict[str, str]:
    """Members by stem; by their whole path where two folders hold the same stem."""
    stems = [PurePosixPath(_shown(shape)).stem for shape in shapes]
    names = [stem if stems.count(stem) == 1 else _shown(shape)[:-4] for stem, shape in zip(stems, shapes, strict=True)]
    return dict(zip(names, (shape.filename for shape in shapes), strict=True))


def find_kml(path: Path) -> str | None:
    """The document inside a KMZ, `doc.kml` before any other; None where there is none. Raises as `shapefiles_in`."""
    names = sorted(member.filename for member in members_of(path) if _ends(member, (".kml",)))
    named = [name for name in names if PurePosixPath(name).name.lower() == "doc.kml"]
    return next(iter(named or names), None)


def members_of(path: Path) -> list[zipfile.ZipInfo]:
    """What is in the archive, without the litter of a Mac; raises Unacceptable for what no honest archive has."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not _is_litter(member)]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error
    if len(members) > MOST_MEMBERS:
        raise Unacceptable("archive_has_too_many_members", file=path.name, count=len(members), most=MOST_MEMBERS)
    for member in members:
        _refuse_unsafe(member, path)
    _refuse_bomb(members, path)
    return members


def head_of(path: Path, member: str, *, size: int) -> bytes:
    """The first bytes of a member."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as content:
            return content.read(size)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error


def _refuse_unsafe(member: zipfile.ZipInfo, path: Path) -> None:
    name = member.orig_filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or ":" in name or "\x00" in name:
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


def _shown(member: zipfile.ZipInfo) -> str:
    """A member's name as it was meant: Windows in China writes GBK where the format says code page 437."""
    if member.flag_bits & _UTF8_NAME or member.filename.isascii():
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def _ends(member: zipfile.ZipInfo, endings: tuple[str, ...]) -> bool:
    return member.filename.lower().endswith(endings)


def _is_litter(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or member.filename.startswith("__MACOSX/") or member.filename.endswith(".DS_Store")
