"""One question about a point, one answer as JSON bytes.

Nearly every point lies strictly inside a tile, and then all of the answer but the position depends on the tile alone:
it is rendered when the tile is first asked for and kept for as long as the plan and the people in charge stay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import orjson

from gis_api.geojson import SAME_AS_WGS84, ReportedPosition, lies_within
from gis_api.replicas import Pulse, Replicas, State
from layers.access import Actor
from layers.errors import NotFound, Unavailable
from layers.locating import Atlas, Location, Page
from layers.moments import read_clock
from tiling.datums import from_wgs84

Pieces: TypeAlias = tuple[bytes, bytes, bytes]
# How long the hot route goes without looking at the wall clock: a clock that was set is noticed after this.
LOOK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """A point and how it is asked about; `at` None is now."""

    position: ReportedPosition
    at: datetime | None = None
    show_datum: str = "wgs84"


def may_hear(by: Actor, location: Location) -> bool:
    """Whether somebody may hear this answer: what lies in no district is no secret."""
    return location.smallest is None or by.holds(location.smallest)


class Desk:
    """Answers questions from the memory of this process."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._view: View | None = None
        self._state: State | None = None
        self._pulse = Pulse(None, -1e9)
        self._fresh_tail = self._stale_tail = b""

    def answer(self, question: Question, by: Actor, page: Page) -> bytes:
        """The answer to any question, as JSON; raises NotFound for a place outside the area of who asks."""
        asked = question.position
        location = page.locate(asked.lon, asked.lat, accuracy_m=asked.accuracy_m, at=question.at or read_clock())
        if not may_hear(by, location):
            raise NotFound("not_found")
        head, foot = render_answer(location, datum=question.show_datum)
        lon, lat = choose_position(asked, question.show_datum)
        tail = self.tail(time.monotonic())
        if location.relation == "outside" and question.at is not None:
            tail = b"%b%b" % (_render_first_plan(self.find_first_plan(question, by)), tail)
        return join(head, lon, lat, foot, tail)

    def find_first_plan(self, question: Question, by: Actor) -> tuple[str, datetime] | None:
        """The district and the moment of the first plan of a place that had none when it is asked about."""
        atlas, asked = self._replicas.state.atlas, question.position
        if atlas is None or question.at is None or atlas.list_missing(read_clock()):
            return None
        found = atlas.find_first_plan(asked.lon, asked.lat, at=question.at)
        return found if found is not None and (found[0].startswith(by.area) or by.area.startswith(found[0])) else None

    def find_quick(self, lon: float, lat: float, area: str, now_s: float) -> Pieces | None:
        """The answer for a WGS84 point of the area, now: what comes before the position, after it, and at the end.

        None for a point that the long way has to judge or refuse. `now_s` is `time.monotonic()`, which the caller has
        read anyway; the caller puts in the position as well, which it has as text.
        """
        view = self._view
        if self._replicas.state is not self._state or view is None or now_s >= view.until_s:
            view = self._open_view(now_s)
            if view is None:
                return None
        tile = view.one(lon, lat)
        if tile >= 0:
            if not (view.shared_code.startswith(area) or view.codes[tile].startswith(area)):
                return None
            parts = view.parts[tile] or view.render(tile, lon, lat)
        else:
            found = view.find_parts(lon, lat, area)
            if found is None:
                return None
            parts = found
        pulse = self._pulse
        fresh = pulse is self._replicas.pulse and now_s <= pulse.stale_from_s
        return parts[0], parts[1], self._fresh_tail if fresh else self.tail(now_s)

    def tail(self, now_s: float) -> bytes:
        """The end of every answer: how old the data are, and whether the database was heard lately."""
        pulse = self._replicas.pulse
        if pulse is not self._pulse:
            told = orjson.dumps(pulse.at.isoformat(timespec="milliseconds")) if pulse.at is not None else b"null"
            self._fresh_tail = b',"updated_at":%b,"stale":false}' % told
            self._stale_tail = b',"updated_at":%b,"stale":true}' % told
            self._pulse = pulse
        return self._fresh_tail if now_s <= pulse.stale_from_s else self._stale_tail

    def page(self, at: datetime) -> Page | None:
        """The plans in force at a moment, None where one of them must be read first (`Replicas.page` does)."""
        atlas = self._replicas.state.atlas
        if atlas is None:
            raise Unavailable("not_ready", retry_after_s=1)
        return None if atlas.list_missing(at) else atlas.page(at)

    def _open_view(self, now_s: float) -> View | None:
        """The view of this moment: the present one again where nothing has changed."""
        state, now, view = self._replicas.state, read_clock(), self._view
        if state.atlas is None or state.atlas.list_missing(now):
            return None
        if view is None or view.atlas is not state.atlas or not view.holds(now):
            view = View(state.atlas, now)
        view.until_s = now_s + min(LOOK_AGAIN_S, (view.until - now).total_seconds())
        self._view, self._state = view, state
        return view


class View:
    """The answers under the plans and the charges of one stretch of time, rendered as they are asked for."""

    def __init__(self, atlas: Atlas, now: datetime) -> None:
        self.atlas = atlas
        self.page = atlas.page(now)
        self.since, self.until = now, atlas.find_next_change(now)
        # By the clock that only runs forwards; the desk looks at the other one when it has passed.
        self.until_s = -1e9
        locator = self.page.locator
        self.one = locator.one
        self.codes: list[str] = locator.tile_codes.tolist()
        # What the codes of all tiles begin with: an area that begins it too holds every tile.
        self.shared_code = _find_common_start(self.codes)
        self.parts: list[tuple[bytes, bytes] | None] = [None] * len(self.codes)
        # One copy of what stands behind the position in all answers of a district: it stays in the processor's cache.
        self._feet: dict[bytes, bytes] = {}
        self._outside: tuple[bytes, bytes] | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the plans and charges of this view are those of a moment."""
        return self.since <= now < self.until

    def find_parts(self, lon: float, lat: float, area: str) -> tuple[bytes, bytes] | None:
        """The same for a point on a border, in a gap or outside; None where the point or the asker is refused."""
        if (lon == 0.0 and lat == 0.0) or not lies_within(lon, lat, self.atlas.bounds):
            return None
        location = self.page.locate(lon, lat, at=self.since)
        if not (location.smallest or area).startswith(area):
            return None
        return (
            render_answer(location, datum="wgs84") if location.district is not None else self._render_outside(location)
        )

    def _render_outside(self, location: Location) -> tuple[bytes, bytes]:
        """What is in no frame is answered the same wherever it is."""
        if self._outside is None:
            self._outside = render_answer(location, datum="wgs84")
        return self._outside

    def render(self, tile: int, lon: float, lat: float) -> tuple[bytes, bytes]:
        """What stands before and after the position in answers for this tile."""
        district = str(self.page.locator.tile_district[tile])
        overlays = self.page.overlays_at(district, lon, lat)
        head, foot = render_answer(self.page.location_of(tile, overlays=overlays, at=self.since), datum="wgs84")
        parts = head, self._feet.setdefault(foot, foot)
        if self.page.is_uniform(tile):
            self.parts[tile] = parts
        return parts


def _render_first_plan(first: tuple[str, datetime] | None) -> bytes:
    """The member of an answer that says that there was no plan yet; nothing where there was one."""
    if first is None:
        return b""
    return b',"no_plan":%b' % orjson.dumps({"district": first[0], "first_plan_at": first[1].isoformat()})


def _find_common_start(codes: Sequence[str]) -> str:
    """What all codes begin with, nothing where there are none."""
    first, last = min(codes, default=""), max(codes, default="")
    return next((first[:at] for at in range(len(first)) if not last.startswith(first[: at + 1])), first)


def render_answer(location: Location, *, datum: str) -> tuple[bytes, bytes]:
    """The answer as JSON, without position and age: what comes before the position, and what after it."""
    told = location.as_json()
    versions = {"plan_version": told.pop("plan_version"), "index_version": told.pop("index_version")}
    head = orjson.dumps(told)[:-1] + b',"position":{"lon":'
    foot = b',"datum":%b},%b' % (orjson.dumps(datum), orjson.dumps(versions)[1:-1])
    return head, foot


def join(head: bytes, lon: float, lat: float, foot: bytes, tail: bytes) -> bytes:
    """The whole answer; a float's repr is JSON, and the shortest text that gives the same float back."""
    return b'%b%r,"lat":%r%b%b' % (head, lon, lat, foot, tail)


def choose_position(asked: ReportedPosition, datum: str) -> tuple[float, float]:
    """The position to be shown: as it was sent where it was sent in that datum, else to 9 decimals (0.1 mm)."""
    if asked.datum == datum or {asked.datum, datum} <= set(SAME_AS_WGS84):
        return asked.raw_lon, asked.raw_lat
    lon, lat = from_wgs84(asked.lon, asked.lat, datum)
    return round(lon, 9), round(lat, 9)
