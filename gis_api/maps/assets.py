"""Every script, style and picture that a page may load, and the two mounts that serve them.

Third-party files come from ``node_modules`` through one allow-list: a file that is not listed does not exist. Own
files come from ``gis_api/static`` under an address that holds the hash of their content, so both may be kept for ever.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from gis_api.maps.bundles import bundle_of, find_bundler

ROOT = Path(__file__).parents[2]
OWN_FOLDER = Path(__file__).parents[1] / "static"
VENDOR_PREFIX = "/static/vendor"
# Modules that are asked for with all they import, as bundles/<name>.
BUNDLED = frozenset({"planner/main.js"})
# Larger files (the documentation's script) come from the disk as they did.
MOST_KEPT_BYTES = 500_000
KEEP_FOR_EVER = "public, max-age=31536000, immutable"

# Address below /static/vendor -> file below node_modules. The version stands in the address: a new version is a new
# address, and package.json has the same number (tests/gis_api/test_maps_assets.py).
VENDOR: Mapping[str, str] = {
    "leaflet-1.9.4/leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet-1.9.4/leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet-1.9.4/images/layers.png": "leaflet/dist/images/layers.png",
    "leaflet-1.9.4/images/layers-2x.png": "leaflet/dist/images/layers-2x.png",
    "leaflet-1.9.4/images/marker-icon.png": "leaflet/dist/images/marker-icon.png",
    "leaflet-1.9.4/images/marker-icon-2x.png": "leaflet/dist/images/marker-icon-2x.png",
    "leaflet-1.9.4/images/marker-shadow.png": "leaflet/dist/images/marker-shadow.png",
    "leaflet.vectorgrid-1.3.0/Leaflet.VectorGrid.bundled.min.js": (
        "leaflet.vectorgrid/dist/Leaflet.VectorGrid.bundled.min.js"
    ),
    "swagger-ui-dist-5.35.0/swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui-dist-5.35.0/swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
}

# What folium's own templates link -> what is served instead. Anything else raises when a page is made.
LOCAL: Mapping[str, str] = {
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js": "leaflet-1.9.4/leaflet.js",
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.css": "leaflet-1.9.4/leaflet.css",
    "https://unpkg.com/leaflet.vectorgrid@latest/dist/Leaflet.VectorGrid.bundled.js": (
        "leaflet.vectorgrid-1.3.0/Leaflet.VectorGrid.bundled.min.js"
    ),
}


class ExternalAddressError(ValueError):
    """A page would load something from another host, or something that is not in the table."""


def vendor_url(name: str) -> str:
    """The address of a third-party file of VENDOR. Raises ExternalAddressError for one that is not served."""
    if name not in VENDOR:
        raise ExternalAddressError(f"{name} is not served: add it to VENDOR in gis_api/maps/assets.py")
    return f"{VENDOR_PREFIX}/{name}"


def find_local_url(address: str) -> str:
    """The own address that stands for a link in a folium template; an address of this service stays as it is.

    Raises ExternalAddressError for an external address that the table LOCAL does not know.
    """
    if address.startswith("/static/"):
        return address
    if address not in LOCAL:
        raise ExternalAddressError(f"{address} is external: map it in LOCAL, and its file in VENDOR, or leave it out")
    return vendor_url(LOCAL[address])


def build_own_url(path: str) -> str:
    """The address of an own script or style, with the hash of all own files in it. Modules import each other by
    relative addresses and so stay in the same version."""
    return f"{_build_own_prefix()}/{path}"


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """The addresses of everything that an own module imports, directly or not: a browser told of them in advance
    fetches them at once instead of one layer after the other."""
    found: dict[Path, None] = {}
    waiting = [OWN_FOLDER / entry]
    while waiting:
        script = waiting.pop()
        imports = re.findall(r'^import .*?from "(\.[^"]+)";', script.read_text(encoding="utf-8"), re.MULTILINE)
        fresh = [path for name in imports if (path := (script.parent / name).resolve()) not in found]
        found |= dict.fromkeys(fresh)
        waiting += fresh
    return tuple(build_own_url(path.relative_to(OWN_FOLDER.resolve()).as_posix()) for path in found)


@cache
def _build_own_prefix() -> str:
    digest = hashlib.sha256()
    for file in sorted(OWN_FOLDER.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(OWN_FOLDER).as_posix().encode() + b"\0" + file.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


class _Kept(StaticFiles):
    """Static files that browsers need never ask for again, since their address changes with their content.

    A page asks for some seventy of them at once, so a file is read once and then told from memory: going through the
    disk, threads and ranges for each takes a page a second on a busy machine.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._told: dict[str, Response] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain GET from memory; anything else, and a file not read yet, as StaticFiles does."""
        if scope["type"] == "http" and scope["method"] == "GET" and not _is_special(scope):
            path = self.get_path(scope)
            told = self._told.get(path) or await self._read(path, scope)
            if told is not None:
                await told(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _read(self, path: str, scope: Scope) -> Response | None:
        """The file as an answer that can be sent again and again; None where StaticFiles has to say what is wrong."""
        full_path, stat = self.lookup_path(path)
        if stat is None or not S_ISREG(stat.st_mode) or stat.st_size > MOST_KEPT_BYTES:
            return None
        response = await self.get_response(path, scope)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        content = await to_thread.run_sync(Path(full_path).read_bytes)
        self._told[path] = Response(content, headers=headers)
        return self._told[path]

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            response.headers["Cache-Control"] = KEEP_FOR_EVER
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _is_special(scope: Scope) -> bool:
    """Whether a part of a file is asked for, or whether it has changed."""
    return any(name in (b"range", b"if-none-match", b"if-modified-since") for name, _ in scope["headers"])


class _Own(_Kept):
    """The own files, and below ``bundles/`` modules with all that they import in one file."""

    async def _read(self, path: str, scope: Scope) -> Response | None:
        entry = path.removeprefix("bundles/")
        if path == entry or entry not in BUNDLED:
            return await super()._read(path, scope)
        script = await to_thread.run_sync(bundle_of, OWN_FOLDER / "js" / entry)
        headers = {"Cache-Control": KEEP_FOR_EVER, "X-Content-Type-Options": "nosniff"}
        self._told[path] = Response(script, headers=headers, media_type="text/javascript")
        return self._told[path]


class _Vendor(_Kept):
    """The files of VENDOR and no other file of node_modules."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        listed = VENDOR.get(Path(path).as_posix())
        return super().lookup_path(listed) if listed else ("", None)


def mount_assets(app: Starlette) -> None:
    """Serve ``/static/vendor/…`` and ``/static/<hash>/…``; nothing else under /static exists.

    Missing ``node_modules`` is not an error here: ``list_missing_assets`` says what to do.
    """
    app.mount(VENDOR_PREFIX, _Vendor(directory=ROOT / "node_modules", check_dir=False), name="vendor")
    app.mount(_build_own_prefix(), _Own(directory=OWN_FOLDER), name="static")


def list_missing_assets() -> list[str]:
    """The files of VENDOR, and the bundler, that are not installed; ``npm ci --ignore-scripts`` brings them. Empty when
    all is well."""
    missing = [name for name in VENDOR.values() if not (ROOT / "node_modules" / name).is_file()]
    return missing if find_bundler() else [*missing, "esbuild"]
