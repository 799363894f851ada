"""What a GeoJSON file says about its coordinates: the `crs` member of old, which GDAL follows even where it is a link.

RFC 7946 took the member away and says WGS 84; files still carry it, at the top or in their shapes. GDAL takes a name
that it does not know for WGS 84 without a word, and fetches a link. Here the names are found as they were written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_MEMBER = re.compile(rb'(?<!\\)"crs"\s*:\s*(?=\{)')
# A bare name is no member of any standard, but whoever writes one at the top means it.
_BARE = re.compile(rb'(?<!\\)"crs"\s*:\s*"([^"]{1,200})"')
# Longer than any member that names or describes a system.
_MOST_BYTES = 20_000
# Statements beyond these say nothing new: a file of shapes repeats its one statement in each.
_MOST_FOUND = 100_000


@dataclass(frozen=True)
class Statement:
    """The system that a file names (None where it names none), or the link or unreadable member that it has instead."""

    name: str | None
    unread: str | None = None


def find_statement(content: bytes) -> Statement:
    """What the `crs` members of this GeoJSON say; several that differ are unread."""
    found: dict[str, bytes] = {}
    for number, member in enumerate(_MEMBER.finditer(content)):
        told = _read_name(content[member.end() : member.end() + _MOST_BYTES])
        if told is not None:
            found.setdefault(told, told.encode())
        if number > _MOST_FOUND or len(found) > 1:
            break
    if not found:
        bare = _BARE.search(content[: max(content.find(b'"features"'), 0)])
        return Statement(bare[1].decode("utf-8", "replace") if bare else None)
    first = next(iter(found))
    if len(found) > 1 or first.startswith("link "):
        return Statement(None, ", ".join(found)[:200])
    return Statement(first)


def hide_members(content: bytes) -> bytes:
    """The same GeoJSON with its `crs` members under another name, so that no reader follows them."""
    return _MEMBER.sub(lambda member: member[0].replace(b'"crs"', b'"was"'), content)


def _read_name(text: bytes) -> str | None:
    """The name in a member, `link …` for a link; None for a property that is only called so."""
    try:
        member, _ = json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    properties = member.get("properties")
    if "type" not in member or not isinstance(properties, dict):
        return None
    kind = str(member["type"]).lower()
    if kind == "name":
        return _text(properties.get("name"))
    if kind == "epsg":
        return f"EPSG:{properties.get('code')}"
    return f"link {_text(properties.get('href') or properties.get('url') or member['type'])}"


def _text(value: Any) -> str:
    return str(value)[:200]
