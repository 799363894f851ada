"""Pages of lists: opaque cursors, by a key or by a moment and an id, `next` links, and boxes."""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request

from layers.errors import Unacceptable
from layers.moments import WrongMoment, read_asked_moment, read_moment

Cursor = tuple[datetime, int]
Box = tuple[float, float, float, float]
# What is meant as a moment: a cursor of ours begins with letters.
_LIKE_A_MOMENT = re.compile(r"\d{4}-|\d+\Z", re.ASCII)


def key_of(sent: str | None, *, name: str = "after") -> str | None:
    """The key after which a page goes on; raises Unacceptable for a cursor that is none of ours."""
    if sent is None:
        return None
    try:
        return base64.urlsafe_b64decode(sent.encode()).decode()
    except (binascii.Error, UnicodeError):
        raise cursor_error(name) from None


def cursor_error(name: str = "after") -> Unacceptable:
    """What is said of a cursor that is none of ours."""
    return Unacceptable("wrong_cursor", errors=[([name], "wrong_cursor")])


def cursor_of(sent: str | None, *, name: str = "after") -> Cursor | None:
    """Where the page before ended; raises Unacceptable for a cursor that is none of ours."""
    key = key_of(sent, name=name)
    if key is None:
        return None
    try:
        at, number = key.split(" ")
        moment = read_moment(at)
        if not 0 <= int(number) < 2**63:
            raise ValueError(sent)
    except ValueError:
        raise cursor_error(name) from None
    return moment, int(number)


def moment_of(sent: str) -> tuple[datetime, Cursor | None]:
    """What `changed_since` says: a moment to begin at, or the cursor of a `next` link to go on from."""
    try:
        return read_asked_moment(sent), None
    except WrongMoment as wrong:
        # A day or a number is the wrong moment rather than a cursor.
        if wrong.code != "not_a_moment" or _LIKE_A_MOMENT.match(sent):
            raise Unacceptable(wrong.code, errors=[(["changed_since"], wrong.code)]) from None
    cursor = cursor_of(sent, name="changed_since")
    assert cursor is not None
    return cursor[0], cursor


def link_after(request: Request, name: str, at: datetime, number: int) -> str:
    """The address of the page that goes on after this moment and id."""
    return link_after_key(request, name, f"{at.isoformat()} {number}")


def link_after_key(request: Request, name: str, key: str) -> str:
    """The address of the page that goes on after this key."""
    cursor = base64.urlsafe_b64encode(key.encode()).decode()
    asked = [(key, value) for key, value in request.query_params.multi_items() if key != name]
    return f"{request.url.path}?{urlencode([*asked, (name, cursor)])}"


def box_of(sent: str | None) -> Box | None:
    """West, south, east, north in degrees; raises Unacceptable for anything else."""
    if sent is None:
        return None
    try:
        west, south, east, north = (float(word) for word in sent.split(","))
    except ValueError:
        raise Unacceptable("wrong_bbox", errors=[(["bbox"], "wrong_bbox")]) from None
    if not all(map(math.isfinite, (west, south, east, north))) or west > east or south > north:
        raise Unacceptable("wrong_bbox", errors=[(["bbox"], "wrong_bbox")])
    return west, south, east, north
