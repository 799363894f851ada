"""HTML as PDF, with Chinese fonts embedded, in a child process that can fetch nothing.

WeasyPrint lays out for seconds in pure Python, so it never runs in a process that answers lookups. What it is given
holds names from data; the templates escape them, and an address that got through all the same would not be fetched.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from typing import Any

from layers import sandbox
from layers.errors import Unavailable
from layers.sandbox import Room, SandboxLimits

PDF = "application/pdf"
# Installing a font is a matter of minutes for whoever runs the machine.
AGAIN_S = 600
ROOM = Room(limits=SandboxLimits(cpu_s=120, wall_s=120.0, answer_bytes=64 * 2**20))


def print_pdf(html: str) -> bytes:
    """The pages of an HTML document as PDF, fonts embedded; 1-4 s.

    Raises Unavailable `no_chinese_font` on a machine where Chinese would come out as boxes, `no_pango` where the
    library that sets the text is missing, and whatever the sandbox raises for a document that takes too long.
    """
    if not has_chinese_font():
        raise Unavailable("no_chinese_font", retry_after_s=AGAIN_S)
    return sandbox.run("gis_api.papers.printing:render", html.encode(), room=ROOM)


def has_chinese_font() -> bool:
    """Whether this machine has any font for simplified Chinese; asked again until it has one."""
    return bool(_find_chinese_fonts()) or _ask_again()


@lru_cache(maxsize=1)
def _find_chinese_fonts() -> str:
    lister = shutil.which("fc-list")
    if lister is None:
        return ""
    found = subprocess.run([lister, ":lang=zh-cn", "family"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    return found.stdout.strip()


def _ask_again() -> bool:
    _find_chinese_fonts.cache_clear()
    return bool(_find_chinese_fonts())


def render(html: bytes) -> bytes:
    """The PDF of an HTML document; run in the child process."""
    try:
        from weasyprint import HTML
    except OSError as missing:
        raise Unavailable("no_pango", retry_after_s=AGAIN_S) from missing
    document = HTML(string=html.decode(), url_fetcher=_refuse, base_url=None)
    return bytes(document.write_pdf())


def _refuse(url: str, **_: Any) -> Any:
    raise ValueError(f"a document fetches nothing: {url[:60]}")
