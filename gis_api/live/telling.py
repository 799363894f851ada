"""What the events say, as the bytes that go out: `event`, `id` (the plan's version) and one line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from layers.planning import News

# A comment keeps proxies from taking a quiet stream for a dead one. Browsers hide comments from pages, so an event too:
# without one for long the page knows that the line is dead, which TCP may not tell it for a quarter of an hour.
BEAT = b": beat\nevent: beat\ndata: {}\n\n"
# How soon a browser comes back by itself when a stream ends.
RETRY = b"retry: 1000\n\n"
TURNS = frozenset(("submit", "withdraw", "return", "publish", "archive", "successors"))


def render_event(event: str, told: Mapping[str, Any], *, version: object = None) -> bytes:
    """One event; those that bring a listener forward carry the version (of a plan, or a mark) to go on from later."""
    marked = b"" if version is None else b"id: %b\n" % str(version).encode()
    return b"event: %b\n%bdata: %b\n\n" % (event.encode(), marked, orjson.dumps(told))


def hello(news: News) -> bytes:
    """The first event of every stream: where the plan stands."""
    return render_event("hello", {"version": news.version, "state": news.state})


def events_of(news: News, *, state_before: str | None) -> bytes:
    """The events that bring a listener from `news.since` to `news.version`, one after the other; empty for none."""
    if not news.whole:
        return render_event("reload", {"version": news.version, "state": news.state}, version=news.version)
    edits = [line for line in news.lines if line["action"] not in TURNS]
    turns = [line for line in news.lines if line["action"] in TURNS]
    parts = [render_event("edited", body_of(news), version=news.version)] if edits else []
    if turns or state_before not in (None, news.state):
        parts.append(render_event("state", _turn(news, turns[-1] if turns else {}), version=news.version))
    return b"".join(parts)


def body_of(news: News) -> dict[str, Any]:
    """News as the API tells it: the lines, the present features of what differs, the defects that came and went."""
    last: Mapping[str, Any] = next((line for line in reversed(news.lines) if line["action"] not in TURNS), {})
    return {
        "since": news.since,
        "version": news.version,
        "state": news.state,
        "whole": news.whole,
        "op": last.get("op"),
        "by": last.get("by"),
        "ok": news.ok,
        "summary": news.summary,
        "lines": [_leave_out_defects(line) for line in news.lines],
        "changed": [orjson.Fragment(feature) for _, feature in news.changed],
        "removed": list(news.removed),
        "added": [defect for line in news.lines for defect in line["added"]],
        "cleared": [defect for line in news.lines for defect in line["cleared"]],
    }


def _leave_out_defects(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in ("added", "cleared")}


def _turn(news: News, line: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: line.get(name) for name in ("action", "by", "at")}
    return {"version": news.version, "state": news.state, **told}
