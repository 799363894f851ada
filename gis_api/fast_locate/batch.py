"""Many points in one request: two arrays in, three arrays out, in JSON or as an Arrow stream.

Nothing here loops over points in Python. Codes go out as rows of a table of equally long, ready-made JSON texts, padded
with blanks (which JSON allows between values), so ten thousand codes are one copy of memory.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from gis_api.errors import Problem
from gis_api.geojson import Box, convert_many_to_wgs84, datum_of, refusals
from gis_api.replicas import Age
from layers.access import Actor
from layers.errors import Unacceptable
from layers.locating import Atlas, Page
from tiling.locate import RELATIONS, LocatedMany

ARROW = "application/vnd.apache.arrow.stream"
MOST_POINTS = 100_000
# From this size on a batch is worked on beside the event loop, so that others need not wait for it: some 6 ms.
LARGE_BYTES = 1_000_000
REFUSED = len(RELATIONS)
OUTSIDE = RELATIONS.index("outside")
_WORDS = (*RELATIONS, "refused")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """What was asked: degrees in the datum that was stated or is the key's."""

    lon: Floats
    lat: Floats
    datum: str | None


@dataclass(frozen=True, eq=False)
class Batch:
    """The answer for many points: relation (index into RELATIONS, or REFUSED) and tile, -1 for none."""

    page: Page
    relation: NDArray[np.uint8]
    tile: NDArray[np.int32]

    @classmethod
    def of(cls, points: Points, by: Actor, *, page: Page, bounds: Sequence[Box], partial: bool) -> Batch:
        """Locate all points; what lies outside the area of who asks is `outside` to them.

        Raises Unacceptable naming each bad point ([C2]), unless `partial`: then their relation is `refused`.
        """
        datum = datum_of(by, points.datum)
        lon, lat = convert_many_to_wgs84(points.lon, points.lat, datum)
        found = page.locate_many(lon, lat)
        # Only what is in no frame can be out of bounds, nowhere on earth or no number at all.
        suspects = np.flatnonzero(found.relation == OUTSIDE)
        bad = refusals(points.lon[suspects], points.lat[suspects], lon[suspects], lat[suspects], bounds=bounds)
        if bad and not partial:
            named = [((axis, int(suspects[at])), f"point_{code}") for at, axis, code in bad[:100]]
            raise Unacceptable("bad_points", errors=named, count=len({at for at, _, _ in bad}))
        relation, tile = _hide_foreign(found, page, by.area)
        relation[suspects[[at for at, _, _ in bad]]] = REFUSED
        return cls(page, relation, tile)

    def as_json(self, age: Age) -> bytes:
        """The answer as a JSON document."""
        grids, sub_grids = _spellings(self.page)
        versions: dict[str, Any] = {"plan_versions": self.page.plan_versions, "index_version": self.page.index_version}
        versions |= {"updated_at": age.updated_at, "stale": age.stale}
        parts = (
            b'{"grid":[',
            _spell(grids, self.tile),
            b'],"sub_grid":[',
            _spell(sub_grids, self.tile),
            b'],"relation":[',
            _spell(_RELATION_TABLE, self.relation),
            b"],",
            orjson.dumps(versions)[1:],
        )
        return b"".join(parts)

    def columns(self) -> dict[str, Any]:
        """The answer as three dictionary-encoded Arrow arrays: grid, sub_grid, relation."""
        import pyarrow as pa

        names, number, subs, has_sub = _dictionaries(self.page)
        return {
            "grid": pa.DictionaryArray.from_arrays(pa.array(number[self.tile], mask=self.tile < 0), names),
            "sub_grid": pa.DictionaryArray.from_arrays(pa.array(self.tile, mask=~has_sub[self.tile]), subs),
            "relation": pa.DictionaryArray.from_arrays(pa.array(self.relation.astype(np.int8)), pa.array(_WORDS)),
        }

    def as_arrow(self, age: Age) -> bytes:
        """The answer as an Arrow stream of these columns; the versions and their age are in its metadata."""
        import pyarrow as pa

        versions = {
            "plan_versions": json.dumps(self.page.plan_versions),
            "index_version": str(self.page.index_version),
            "updated_at": age.updated_at or "",
            "stale": json.dumps(age.stale),
        }
        table = pa.table(self.columns()).replace_schema_metadata(versions)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())


def answer_batch(
    kind: str, body: bytes, datum: str | None, *, by: Actor, atlas: Atlas, page: Page, age: Age, partial: bool
) -> bytes:
    """The body of the answer to a body of points, in the same form; raises as `Batch.of` and the readers do."""
    points = points_of_arrow(body, datum) if kind == ARROW else points_of_json(body)
    batch = Batch.of(points, by, page=page, bounds=atlas.bounds, partial=partial)
    return batch.as_arrow(age) if kind == ARROW else batch.as_json(age)


def points_of_json(body: bytes) -> Points:
    """The points of a JSON body; raises Problem 400 for what is no JSON, Unacceptable for what is no two arrays."""
    sent = _parse_body(body)
    if not isinstance(sent, dict):
        raise Unacceptable("not_acceptable", errors=[([], "not_an_object")])
    unknown = [([name], "unknown_member") for name in sent if name not in ("datum", "lon", "lat")]
    missing = [([name], "missing_member") for name in ("lon", "lat") if not isinstance(sent.get(name), list)]
    datum = sent.get("datum")
    wrong = [] if datum is None or isinstance(datum, str) else [(["datum"], "unknown_datum")]
    if unknown or missing or wrong:
        raise Unacceptable("not_acceptable", errors=(unknown + missing + wrong)[:20], datum=str(datum)[:40])
    _refuse_lengths(len(sent["lon"]), len(sent["lat"]))
    has_words = b"true" in body or b"false" in body
    lon, lat = (_numbers_of(sent[name], name, has_words=has_words) for name in ("lon", "lat"))
    return Points(lon, lat, datum)


def points_of_arrow(body: bytes, datum: str | None) -> Points:
    """The points of an Arrow stream with the columns `lon` and `lat`; the datum may stand in its metadata."""
    import pyarrow as pa

    try:
        table = pa.ipc.open_stream(body).read_all()
        _refuse_lengths(table.num_rows, table.num_rows)
        lon, lat = (_column(table, name) for name in ("lon", "lat"))
        stated = (table.schema.metadata or {}).get(b"datum", b"").decode("ascii")
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as bad:
        raise Problem(400, "malformed_arrow") from bad
    return Points(lon, lat, datum or stated or None)


def _column(table: Any, name: str) -> Floats:
    import pyarrow as pa

    column = table.column(name).combine_chunks()
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise pa.ArrowTypeError(f"{name} is {column.type}")
    # A missing number becomes not-a-number, which is refused with its place.
    return np.ascontiguousarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _parse_body(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # numbers beyond all bounds and NaN are read the slow way, so that their place can be told
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise Problem(400, "malformed_json") from bad


def _refuse_lengths(lons: int, lats: int) -> None:
    if lons != lats:
        raise Unacceptable("lengths_differ", errors=[(["lat"], "lengths_differ")], lon=lons, lat=lats)
    if lons > MOST_POINTS:
        raise Unacceptable("too_many_points", errors=[(["lon"], "too_many_points")], most=MOST_POINTS, sent=lons)


def _numbers_of(sent: list[Any], name: str, *, has_words: bool) -> Floats:
    """The list as an array; raises Unacceptable with the place of the first thing that is no number."""
    try:
        numbers = np.frombuffer(array("d", sent), dtype=np.float64) if sent else np.zeros(0)
    except (TypeError, OverflowError):
        numbers = None
    if numbers is None or (has_words and bool in set(map(type, sent))):
        at = next(at for at, value in enumerate(sent) if not _is_number(value))
        raise Unacceptable("bad_points", errors=[([name, at], "not_a_number")], count=1)
    return numbers


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 10**300


def _hide_foreign(found: LocatedMany, page: Page, area: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    relation, tile = found.relation.copy(), found.tile.copy()
    if area:
        foreign = ~_mark_owned(page, area)[tile] & (tile >= 0)
        relation[foreign], tile[foreign] = OUTSIDE, -1
    return relation, tile


def _mark_owned(page: Page, area: str) -> NDArray[np.bool_]:
    """Which tiles lie in an area; worked out once per page and area. The last entry, which -1 picks, is false."""
    known: dict[str, NDArray[np.bool_]] = page.kept.setdefault("owned", {})
    if area not in known:
        codes = page.locator.tile_codes
        known[area] = np.array([*(code.startswith(area) for code in codes), False], dtype=bool)
    return known[area]


def _spellings(page: Page) -> tuple[NDArray[np.bytes_], NDArray[np.bytes_]]:
    """The grid and the sub-grid of each tile as JSON, worked out once per page."""
    if "spellings" not in page.kept:
        codes, grids = page.locator.tile_codes.tolist(), page.locator.tile_grids.tolist()
        subs = [None if code == grid else code for code, grid in zip(codes, grids, strict=True)]
        page.kept["spellings"] = _table([*grids, None]), _table([*subs, None])
    spellings: tuple[NDArray[np.bytes_], NDArray[np.bytes_]] = page.kept["spellings"]
    return spellings


def _table(values: Sequence[str | None]) -> NDArray[np.bytes_]:
    """JSON texts of one length, each with its comma."""
    texts = [orjson.dumps(value) for value in values]
    width = max(map(len, texts))
    return np.array([text.ljust(width) + b"," for text in texts], dtype=f"S{width + 1}")


def _spell(table: NDArray[np.bytes_], numbers: NDArray[Any]) -> bytes:
    spelled: bytes = table[numbers].tobytes()
    return spelled[:-1]


def _dictionaries(page: Page) -> tuple[Any, NDArray[np.int32], Any, NDArray[np.bool_]]:
    """Names of grids and the number of each tile's, sub-grid codes and which tiles have one; once per page.

    The last entry of the two arrays is what -1 picks.
    """
    import pyarrow as pa

    if "dictionaries" not in page.kept:
        codes, grids = page.locator.tile_codes.tolist(), page.locator.tile_grids.tolist()
        names = sorted(set(grids))
        place = {name: at for at, name in enumerate(names)}
        number = np.array([*(place[grid] for grid in grids), 0], dtype=np.int32)
        has_sub = np.array([*(code != grid for code, grid in zip(codes, grids, strict=True)), False], dtype=bool)
        page.kept["dictionaries"] = pa.array(names, pa.string()), number, pa.array(codes, pa.string()), has_sub
    dictionaries: tuple[Any, NDArray[np.int32], Any, NDArray[np.bool_]] = page.kept["dictionaries"]
    return dictionaries


_RELATION_TABLE = _table(_WORDS)
