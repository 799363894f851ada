"""Photos of an incident: sent from a phone, stored as pixels only, seen by whoever sees the incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import nan
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer
from gis_api.dependencies import Now, Read, Zone, settings_of
from gis_api.errors import Problem
from gis_api.incident_json import photo_of
from gis_api.routes.incidents import CaseReader, StepTaker, read_id
from gis_api.strict_routes import StrictRoute
from gis_api.uploads import is_form, receive
from layers import incidents, photos
from layers.access import Actor
from layers.db import transaction
from layers.errors import Unacceptable
from layers.moments import WrongMoment, read_moment, require_past
from layers.photos import SentPhoto, TakenWhere
from layers.pictures import Developed

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "JPEG, PNG or WebP"},
                    "kind": {"type": "string", "enum": list(photos.KINDS)},
                    "taken_at": {"type": "string", "format": "date-time", "description": "where the file says none"},
                    "lon": {"type": "number", "description": "where it was taken, where the file says none: WGS84"},
                    "lat": {"type": "number"},
                },
            }
        }
    },
}
# A browser may keep it for itself; it never changes.
_KEPT = {"Cache-Control": "private, max-age=86400, immutable"}


@router.post(
    "/api/v1/incidents/{incident_id}/photos",
    responses=declare_answer(answers.PhotoTold, status=201),
    status_code=201,
    response_class=Response,
    openapi_extra={"requestBody": _FORM},
    summary="Add a photo to an incident",
)
async def add_photo(request: Request, now: Now, zone: Zone, by: StepTaker, incident_id: str) -> Response:
    """Multipart with `file` and `kind`; up to 16 MB and twelve photos, kept as pixels of at most 2,048 a side.

    Where and when it was taken, as far as the file says so, is kept beside the picture and told to desks only; a page
    that made the picture smaller, which drops both, says them in `taken_at`, `lon` and `lat`. The same file again is
    the photo that is there already.
    """
    case = read_id(incident_id)
    engine = request.app.state.engine
    await run_in_threadpool(_require_may_add, engine, case, by)
    if not is_form(request):
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    form = await receive(request, folder=settings_of(request).upload_folder)
    file = form.file
    if file is None:
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    try:
        kind = form.fields.get("kind", "other")
        if kind not in photos.KINDS:
            raise Problem(422, "unknown_photo_kind", errors=[(["kind"], "unknown_photo_kind")])
        told = _read_taken_where(form.fields, now)
        picture = await run_in_threadpool(_develop, file.path)
    finally:
        file.path.unlink(missing_ok=True)

    def store() -> dict[str, Any]:
        with transaction(engine) as session:
            sent = SentPhoto(picture, file.sha256, kind, told)
            return photo_of(case, photos.add_photo(session, case, sent, now=now, zone=zone, by=by), by)

    return JSONResponse(await run_in_threadpool(store), 201)


def _read_taken_where(fields: Mapping[str, str], now: datetime) -> TakenWhere:
    """When and where it was taken, as the form says; raises Problem 422 for what is neither."""
    taken_at = _moment_of(fields.get("taken_at"), now)
    if ("lon" in fields) != ("lat" in fields):
        raise Problem(422, "photo_place_wrong", errors=[(["lon"], "photo_place_wrong")])
    if "lon" not in fields:
        return TakenWhere(taken_at)
    try:
        lon, lat = float(fields["lon"]), float(fields["lat"])
    except ValueError:
        lon = lat = nan
    # NaN is in no interval, and (0, 0) is what a device says that does not know.
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or (lon, lat) == (0.0, 0.0):
        raise Problem(422, "photo_place_wrong", errors=[(["lon"], "photo_place_wrong")])
    return TakenWhere(taken_at, lon, lat)


def _moment_of(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        moment = read_moment(text)
        require_past(moment, "taken_at", now=now)
    except (WrongMoment, Unacceptable) as wrong:
        raise Problem(422, "photo_taken_wrong", errors=[(["taken_at"], "photo_taken_wrong")]) from wrong
    return moment


def _require_may_add(engine: Any, incident_id: int, by: Actor) -> None:
    with transaction(engine) as session:
        photos.require_may_add(session, incident_id, by=by)


def _develop(path: Path) -> Developed:
    return photos.develop(path.read_bytes())


@router.get(
    "/api/v1/incidents/{incident_id}/photos",
    responses=declare_answer(answers.Photos),
    summary="The photos of an incident",
)
def list_photos(tx: Read, by: CaseReader, incident_id: str) -> dict[str, Any]:
    """Oldest first, with the addresses of the pictures."""
    card = incidents.get_incident(tx, read_id(incident_id), by=by)
    return {"photos": [photo_of(card.id, one, by) for one in photos.list_photos(tx, card.id)]}


@router.get(
    "/api/v1/incidents/{incident_id}/photos/{photo_id}",
    responses={200: {"content": {"image/jpeg": {}}, "description": "the picture"}},
    response_class=Response,
    summary="One photo as a picture",
)
def read_photo(
    tx: Read,
    by: CaseReader,
    incident_id: str,
    photo_id: str,
    size: Annotated[Literal["whole", "thumbnail"], Query(description="which of the two sizes")] = "whole",
) -> Response:
    """JPEG of at most 2,048 or 320 pixels a side."""
    small = size == "thumbnail"
    pixels = photos.get_pixels(tx, read_id(incident_id), read_id(photo_id), small=small, by=by)
    return Response(pixels, media_type="image/jpeg", headers=_KEPT)
