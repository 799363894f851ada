"""The page of imports: a file is sent, looked into, and becomes a draft plan or rows of a layer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gis_api.dependencies import MaybePerson, public, settings_of
from gis_api.pages import map_page, reader_of
from layers.access import DATUMS, Role
from layers.registry import IMPORTED, OF_PLANNERS

# Whoever is not signed in gets the sign-in, whoever may not look gets a page that says so: hence no door here.
router = APIRouter(include_in_schema=False, dependencies=[public])


@router.get("/imports")
def imports(request: Request, person: MaybePerson) -> Response:
    """Import a file, and find the imports of before again."""
    layers = IMPORTED if person is not None and person.role == Role.admin else OF_PLANNERS
    config = {
        "layers": ["grids", *(layer for layer in layers if layer != "grids")],
        "timed": [name for name, imported in IMPORTED.items() if imported.timed],
        "datums": list(DATUMS),
        "most_bytes": settings_of(request).upload_bytes,
    }
    return map_page(reader_of(request, person), "imports", config=config, sections=("imports", "repair", "defects"))
