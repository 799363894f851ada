"""`docs/limits.md` tells every limit that a user or an operator can meet, from the constants themselves.

WANGGE_WRITE_DOCS=1 writes it anew.
"""

from __future__ import annotations

import os
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
HEAD = """# Limits

Written from the constants by `tests/gis_api/test_limits_document.py`. What a setting decides (bodies, uploads, photos,
vertices, attempts to sign in) stands in [settings.md](settings.md). Whoever meets a limit is told so in words, with
the figure, and nothing is stored by halves. A request that is refused is refused before its work begins, where that can
be seen from its size; work is ended where only its running shows what it takes.
"""
SECTIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Connections": (
        ("Request line and headers, at most; then 431", "gis_api.connections", "BoundedProtocol.HEAD_BYTES"),
        ("A head is whole after; then 408", "gis_api.connections", "BoundedProtocol.HEAD_S"),
        ("So much of a body must come …", "gis_api.connections", "BoundedProtocol.BODY_WINDOW_BYTES"),
        ("… in each", "gis_api.connections", "BoundedProtocol.BODY_WINDOW_S"),
        ("An answer may lie unread for", "gis_api.connections", "BoundedProtocol.UNREAD_S"),
        ("Streams of one person, at most", "gis_api.live.broadcast", "MOST_PER_PERSON"),
        ("Streams of one process, at most", "gis_api.live.broadcast", "MOST_STREAMS"),
        (
            "Events that may wait for a listener; then it is cut off and comes back",
            "gis_api.live.stream",
            "MOST_WAITING",
        ),
        ("Bytes that may wait for a listener", "gis_api.live.stream", "MOST_BYTES"),
        ("Events in one piece of what a listener missed", "gis_api.live.feed", "MOST_AT_ONCE"),
    ),
    "Requests": (
        ("Points of one `POST /locate`", "gis_api.fast_locate.batch", "MOST_POINTS"),
        ("Vertices of one edit", "gis_api.routes.plans.operations", "MOST_VERTICES"),
        ("Pieces that a split may give", "layers.planning.edits.operations.split", "MOST_PIECES"),
        ("Grids that a division may be asked for", "gis_api.routes.plans.dividing", "MOST_GRIDS"),
        ("Comments on the proposals of one division", "layers.division_comments", "MOST_COMMENTS"),
        ("Features of one tile", "layers.tiles", "MOST_FEATURES"),
        ("Photos of one incident", "layers.photos", "MOST_PHOTOS"),
        ("Pixels of one photo", "layers.pictures", "MOST_PIXELS"),
        ("Parts of one form", "gis_api.uploads", "MOST_PARTS"),
    ),
    "Files": (
        (
            "Columns of one table; a wider one is refused before its cells are read",
            "layers.files.opening",
            "MOST_COLUMNS",
        ),
        ("Rows of one file", "layers.files.child", "MOST_ROWS"),
        ("Cells of one workbook", "layers.files.workbooks", "MOST_CELLS"),
        ("Cells of a workbook with a standard sheet", "layers.standards.workbook", "MOST_CELLS"),
        ("Conditions of one standard sheet", "layers.standards.reading", "MOST_CONDITIONS"),
        ("Refused rows of a standard sheet that are told", "layers.standards.reading", "MOST_REFUSED"),
        ("Vertices of one file's shape", "layers.files.judging", "MOST_VERTICES"),
        ("Bytes of an archive, unpacked", "layers.files.archives", "MOST_BYTES"),
        ("Members of an archive", "layers.files.archives", "MOST_MEMBERS"),
        ("An archive may grow by", "layers.files.archives", "MOST_RATIO"),
        ("Reading a file takes at most …", "layers.files", "LEAST_S"),
        ("… and for each megabyte", "layers.files", "S_PER_MEGABYTE"),
        ("… and never more of the processor than", "layers.sandbox", "SandboxLimits.cpu_s"),
        ("Memory of reading a file, as address space", "layers.sandbox", "SandboxLimits.memory_bytes"),
    ),
    "Geometry": (
        ("Crossings of a polygon's own edges after which it is refused", "tiling.structure", "MOST_CROSSINGS"),
        ("Overlaps of a file's grids after which no draft is made of it", "layers.importing.drafts", "MOST_OVERLAPS"),
        ("Overlaps of a set after which it is not checked", "layers.checking", "MOST_OVERLAPS"),
        ("A check or a repair takes of the processor at most …", "layers.sandbox", "LEAST_S"),
        ("… and one second more for so many vertices", "layers.sandbox", "VERTICES_PER_S"),
        ("… and by the clock so many times that", "layers.sandbox", "WALL_TIMES"),
        ("… but never more of the processor than", "layers.checking", "LIMITS.cpu_s"),
        ("… nor by the clock", "layers.checking", "LIMITS.wall_s"),
        ("Memory of a check: address space of at most …", "layers.sandbox", "LEAST_MEMORY_BYTES"),
        ("… and for each vertex", "layers.sandbox", "BYTES_PER_VERTEX"),
        ("… but never more for a check than", "layers.checking", "LIMITS.memory_bytes"),
        ("… and never more for a repair than", "layers.planning.edits.repairing", "LIMITS.memory_bytes"),
        ("A repair takes of the processor never more than", "layers.planning.edits.repairing", "LIMITS.cpu_s"),
    ),
    "Long jobs": (
        ("A job (import, repair, search for a division) takes by the clock at most …", "gis_api.allowances", "LEAST_S"),
        ("… and for each megabyte of its file", "gis_api.allowances", "S_PER_MEGABYTE"),
        ("… and never more than", "gis_api.allowances", "MOST_S"),
        ("Memory of a job beyond what its process had before …", "gis_api.allowances", "LEAST_BYTES"),
        ("… and for each byte of its file", "gis_api.allowances", "BYTES_PER_BYTE"),
        ("… and never more than", "gis_api.allowances", "MOST_BYTES"),
        ("Work that does not hear that it is over is ended with its process after", "gis_api.job_runner", "GRACE_S"),
        ("A job whose process died is tried so many times", "layers.jobs", "MOST_ATTEMPTS"),
        ("Refused rows that a result lists", "gis_api.job_runner", "MOST_REFUSED"),
    ),
    "People and dispatch": (
        (
            "Attempts to sign in that wait in a process, at most; further ones hear 429",
            "gis_api.sign_ins",
            "MOST_WAITING",
        ),
        ("Wait after too many attempts, first", "gis_api.sign_ins", "FIRST_WAIT_S"),
        ("Wait after too many attempts, at most", "gis_api.sign_ins", "LONGEST_WAIT_S"),
        ("Open tasks of one worker, unless set otherwise", "layers.dispatch_rules", "LIMITS.open_tasks"),
        ("Critical tasks of one worker, unless set otherwise", "layers.dispatch_rules", "LIMITS.critical_tasks"),
        ("How far a worker is sent (m), unless set otherwise", "layers.dispatch_rules", "LIMITS.reach_m"),
        ("Longest shift", "layers.shifts", "LONGEST"),
        ("Extensions of one clock", "layers.dispatching.grace", "MOST_EXTENSIONS"),
        ("An idempotency key is kept for", "layers.incidents.keys", "KEPT"),
        ("Figures smaller than this are not told of residents", "layers.smallest_count", "SMALLEST"),
    ),
    "Webhooks": (
        ("Webhooks at most", "layers.outbox.subscribing", "MOST_WEBHOOKS"),
        ("A delivery takes at most", "gis_api.outgoing.posting", "TIMEOUT_S"),
        ("Events are kept for", "layers.outbox.forgetting", "KEPT"),
    ),
    "Memory of a process": (
        ("Map tiles kept, at most …", "gis_api.routes.tiles", "MOST_TILES"),
        ("… and of them bytes", "gis_api.routes.tiles", "MOST_BYTES"),
        ("Drafts kept with their reports", "layers.planning.memory.draft_cache", "MOST_OPEN"),
        ("Plans kept beside them", "layers.planning.memory.draft_cache", "MOST_BOARDS"),
        ("Plans of the past kept for `at=`", "gis_api.replicas.older_plans", "MOST_LOADED"),
        ("Arenas of the heap, shared by all threads", "gis_api.memory", "ARENAS"),
    ),
}
TAIL = """
Of documents over half a megabyte two are held at once; the others wait. After a peak a process stays some tens of
megabytes above where it began (392 → 430 MB after ten minutes of `script/fuzz`, flat from then on): free pages of the
heap go back, what stays lies in Python's own arenas of 1 MB, which are freed only with the last object in them, and the
next peak fills the same room (`gis_api/memory.py`).
"""


def value_of(module: str, name: str) -> Any:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def in_words(name: str, value: Any) -> str:
    """A figure with its unit, which its name tells."""
    if isinstance(value, timedelta):
        return f"{value.days} days" if value.days >= 3 else f"{value.total_seconds() / 3600:g} h"
    if name.lower().endswith(("_bytes", ".head_bytes")) and name.split(".")[-1] != "BYTES_PER_BYTE":
        return f"{value / 2**20:,g} MiB" if value >= 2**20 else f"{value:,} bytes"
    if name == "BYTES_PER_VERTEX":
        return f"{value:,} bytes"
    if name.lower().endswith("_s") or name in ("S_PER_MEGABYTE",):
        return f"{value:,g} s" if name != "VERTICES_PER_S" else f"{value:,}"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def written() -> str:
    page = HEAD
    for title, limits in SECTIONS.items():
        page += f"\n## {title}\n| what | limit | where |\n|---|---|---|\n"
        for what, module, name in limits:
            path = module.replace(".", "/")
            page += f"| {what} | {in_words(name, value_of(module, name))} | `{path}`: `{name}` |\n"
    return page + TAIL


def test_the_page_of_limits_says_what_the_constants_say() -> None:
    if os.environ.get("WANGGE_WRITE_DOCS") == "1":
        PAGE.write_text(written())
    assert PAGE.read_text() == written()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HEAD_BYTES", 65_536, "65,536 bytes"),
        ("MOST_BYTES", 2**30, "1,024 MiB"),
        ("TIMEOUT_S", 10.0, "10 s"),
        ("KEPT", timedelta(days=30), "30 days"),
        ("LONGEST", timedelta(hours=48), "48 h"),
        ("MOST_COLUMNS", 1_000, "1,000"),
        ("VERTICES_PER_S", 2_000, "2,000"),
    ],
)
def test_a_figure_is_told_with_its_unit(name: str, value: Any, words: str) -> None:
    assert in_words(name, value) == words
