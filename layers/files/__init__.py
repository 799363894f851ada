"""Vector files in: drivers, CRS, datum, encodings, every byte of it handled in a child process.

    kind by content ──▶ open with that driver only ──▶ WGS84 lon/lat, 2D ──▶ faults by row ──▶ Arrow stream
    (sniffing)          (opening)                      (placing)             (judging)         (child)

Nothing is repaired here and nothing guessed: a file that does not say its CRS is refused with what to pass, a row that
cannot be used is named with its fault and place. The only user of geopandas is `opening`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers import sandbox
from layers.sandbox import Room, SandboxLimits

# GDAL opens what its content looks like, whatever the name. These drivers reach for other files, databases or the
# network, or run code of others; they are not even loaded. What is read goes through a few drivers (opening.DRIVERS).
SKIPPED_DRIVERS = (
    "VRT,OGR_VRT,GDALG,ADBC,HTTP,WFS,OAPIF,OGCAPI,CSW,EEDA,EEDAI,PLSCENES,NGW,Elasticsearch,Carto,AmigoCloud,"
    "GeoRSS,GML,GMLAS,SQLite,OSM,MVT,MBTiles,PMTiles,PDF,GPSBabel,PGDUMP,LVBAG,S57,DGN,OpenFileGDB,GTFS,"
    "XLSX,ODS,JSONFG,TopoJSON,ESRIJSON,GeoJSONSeq,MapML,AVCBin,AVCE00,AIVector,MiraMonVector,Selafin,SXF,VDV,"
    "VFK,WAsP,EDIGEO,Idrisi,PDS4,OGR_PDS,VICAR,PCIDSK,JML,GPX,OGR_GMT,WMS,WMTS,WCS,DAAS,PLMOSAIC,STACTA,"
    "STACIT,Zarr"
)
# What any file may take, and what its size adds: ten times what was seen, for a machine that does other things too.
LEAST_S, S_PER_MEGABYTE = 40.0, 12.0
_ENVIRONMENT = {
    "GDAL_SKIP": SKIPPED_DRIVERS,
    "OGR_SKIP": SKIPPED_DRIVERS,
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_DISABLE_READDIR_ON_OPEN": "YES",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
    "PROJ_NETWORK": "OFF",
    # The child has no network; these keep GDAL from asking for it, also where the kernel cannot be asked.
    "GDAL_HTTP_PROXY": "127.0.0.1:9",
    "GDAL_HTTPS_PROXY": "127.0.0.1:9",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_TIMEOUT": "1",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file and what is known about it: CRS or datum, the tables wanted, the columns of positions, the encoding.

    `table` is a name, several names a line each, or `*` for all; several are read as one.
    """

    path: Path
    crs: str | None = None
    datum: str | None = None
    table: str | None = None
    preferred: str = ""
    lon: str | None = None
    lat: str | None = None
    geometry: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Fault:
    """What is wrong with one row (numbered from 1), in a code, the reader's words, and its place if known."""

    row: int
    code: str
    reason: str = ""
    where: BaseGeometry | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a file: texts by column, geometries in WGS84 lon/lat, the faults by row, remarks.

    `geometries` is None for a table without positions; a row whose geometry cannot be used has None there. Invalid
    polygons keep theirs and have a fault.
    """

    columns: Mapping[str, Sequence[str | None]]
    geometries: NDArray[np.object_] | None
    faults: Mapping[int, Fault]
    count: int
    taken_as: str | None = None
    encoding: str | None = None
    notes: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())

    def __len__(self) -> int:
        return self.count

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names, in the file's order."""
        return tuple(self.columns)


def read(source: Source, *, room: Room | None = None) -> Table:
    """The rows of the file with geometries in WGS84 lon/lat degrees.

    Rows are numbered from 1 in the file's order (a CSV's header is not counted). Raises Unacceptable for a file that is
    missing, broken, too large, not of an allowed kind, without a CRS, or too much for the child process. Costs about
    1 s for the child's imports and 1 s per 50,000 buildings. GeoJSON without a `crs` member is WGS84 by RFC 7946.
    """
    task = json.dumps(_task(source)).encode()
    return _table(sandbox.run("layers.files.child:read_bytes", task, room=_furnish_room(room, source.path)))


def inspect(
    source: Source, *, frame: BaseGeometry | None = None, epsg: int | None = None, room: Room | None = None
) -> dict[str, Any]:
    """What is in the file, as JSON: `kind`, `tables`, `fields` with samples, `crs`, `bounds`, `faults`, a `preview`.

    `needs` lists what must be said first: `table`, `crs`. With a frame in WGS84 degrees, `fits` holds for each way to
    read the coordinates (datums for degrees, else the CRS `epsg` of the city) the share of shapes inside the frame, the
    share of the frame covered, and by how many metres the file would move against the first. Raises as `read`.
    """
    task = {**_task(source), "frame": None if frame is None else shapely.to_wkb(frame, hex=True), "epsg": epsg}
    answer = sandbox.run(
        "layers.files.inspecting:inspect_bytes", json.dumps(task).encode(), room=_furnish_room(room, source.path)
    )
    told: dict[str, Any] = json.loads(answer)
    return told


def _task(source: Source) -> dict[str, Any]:
    coordinates = {name: getattr(source, name) for name in ("crs", "datum", "lon", "lat", "geometry")}
    path = str(source.path.absolute())
    wanted = {"tables": source.table, "preferred": source.preferred, "encoding": source.encoding}
    return {"path": path, "wanted": wanted, "coordinates": coordinates}


def _furnish_room(room: Room | None, path: Path) -> Room:
    room = room or Room()
    environment = {**_ENVIRONMENT, **room.environment}
    limits = _limits_of(path) if room.limits == SandboxLimits() else room.limits
    return Room(limits=limits, environment=environment, should_stop=room.should_stop)


def _limits_of(path: Path) -> SandboxLimits:
    """How long a file of this size may take to be read: honest ones of 1 MB take a second or two, shapes and all.

    A view that calls itself, or a shape that keeps GEOS busy, ends here whatever the file weighs.
    """
    megabytes = path.stat().st_size / 2**20 if path.is_file() else 0.0
    seconds = min(LEAST_S + S_PER_MEGABYTE * megabytes, SandboxLimits().wall_s)
    return SandboxLimits(cpu_s=round(seconds), wall_s=1.5 * seconds)


def _table(stream: bytes) -> Table:
    import pyarrow  # only whoever reads files pays for it

    with pyarrow.ipc.open_stream(stream) as reader:
        rows = reader.read_all()
    told = json.loads(rows.schema.metadata[b"told"])
    columns = {name: rows.column(name).to_pylist() for name in rows.column_names if not name.startswith("__")}
    geometries = None
    if "__wkb" in rows.column_names:
        geometries = np.asarray(shapely.from_wkb(rows.column("__wkb").to_pylist()), dtype=object)
    faults = {int(row) + 1: _fault(int(row) + 1, fault) for row, fault in told["faults"].items()}
    notes = tuple((code, values) for code, values in told["notes"])
    return Table(columns, geometries, faults, rows.num_rows, told["taken_as"], told["encoding"], notes)


def _fault(row: int, told: Mapping[str, Any]) -> Fault:
    where = shapely.Point(told["lon"], told["lat"]) if told["lon"] is not None else None
    return Fault(row, told["code"], told["reason"], where)


__all__ = ["SKIPPED_DRIVERS", "Fault", "Source", "Table", "inspect", "read"]
