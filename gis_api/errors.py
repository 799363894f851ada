"""What a client is told when something goes wrong: one table from error class to status, and problem+json (RFC 9457).

    {"type": "urn:wangge:problem:foreign_area", "title": "没有权限", "status": 403, "detail": "…", "errors": […]}

The words of an error are the text `errors.<code>` of the catalogues, filled with the error's details.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import shapely
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from shapely.geometry.base import BaseGeometry
from sqlalchemy import exc as sql
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gis_api import texts
from gis_api.logs import Seldom
from layers.errors import Conflict, Forbidden, LayerError, NotFound, Outdated, Unacceptable, Unavailable
from tiling.errors import NoSuchGrid, NoSuchVertex, TilingError

MEDIA_TYPE = "application/problem+json"
URN = "urn:wangge:problem:"
RETRY_AFTER_S = 2
log = logging.getLogger("wangge")
UNAVAILABLE = Seldom()

# What is raised where PostgreSQL does not answer.
AWAY = (sql.OperationalError, sql.InterfaceError, sql.TimeoutError)
# The one table. The first class that fits decides, so children stand before their parents.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Outdated, 412),
    (Unacceptable, 422),
    (Unavailable, 503),
    (LayerError, 422),
    (NoSuchVertex, 404),
    (NoSuchGrid, 404),
    (TilingError, 422),
    (sql.IntegrityError, 409),
    (sql.DataError, 422),
    *((error, 503) for error in AWAY),
)
# A full disk stays full until somebody makes room: PostgreSQL's word for it, and the system's.
DISK_FULL, FULL = "53100", (errno.ENOSPC, errno.EDQUOT)
FULL_RETRY_AFTER_S = 60
# The codes of errors that carry none of their own.
CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "not_signed_in",
    403: "wrong_role",
    404: "not_found",
    405: "wrong_method",
    409: "conflict",
    413: "too_large",
    415: "wrong_media_type",
    422: "not_acceptable",
    428: "version_missing",
    429: "too_many_requests",
    500: "internal",
    503: "database_away",
}


# What `gis_api.moments` refuses; the words stand with those of the layers, which refuse the same.
OF_MOMENTS = frozenset(
    ("not_a_moment", "offset_missing", "moment_out_of_bounds", "not_a_day", "day_out_of_bounds", "not_a_time_of_day")
)


class Problem(HTTPException):
    """A refusal of a door itself, with its status and the key of its words."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        errors: Sequence[tuple[Sequence[str | int], str]] = (),
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(status, code, dict(headers or {}))
        self.code = code
        self.errors = tuple(errors)
        self.details = details


@dataclass(frozen=True)
class Answer:
    """Everything that a problem answer says, before its words are chosen."""

    status: int
    code: str
    details: Mapping[str, Any]
    errors: tuple[tuple[Sequence[str | int], str], ...] = ()
    where: BaseGeometry | None = None
    headers: Mapping[str, str] | None = None
    # What the error said itself, in English; told in the reader's language where its words are known.
    said: str = ""


def install(app: FastAPI) -> None:
    """Let the application answer every error as problem+json."""
    for error in (HTTPException, RequestValidationError, LayerError, TilingError, sql.SQLAlchemyError, Exception):
        app.add_exception_handler(error, _handle)


def _handle(request: Request, error: Exception) -> Response:
    answer = answer_of(error, language_of(request))
    if answer.status == 503:
        # Nothing is wrong with the program: one line, and not one for each of thousands of requests.
        UNAVAILABLE.warn(log, f"{request.method} {request.url.path}: {answer.code}")
    elif answer.status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, answer.code, exc_info=error)
    if wants_page(request):
        shown: Response | None = _as_page(request, error)
        if shown is not None:
            return shown
    return response_of(answer, language_of(request))


def _as_page(request: Request, error: Exception) -> Response | None:
    """The error as a page, in the language that the reader chose for pages and not in that of the browser; None where
    the application has no pages."""
    state = request.app.state
    if getattr(state, "show_problem", None) is None:
        return None
    lang: str = state.language_of_page(request)
    shown: Response = state.show_problem(request, document_of(answer_of(error, lang), lang))
    return shown


def wants_page(request: Request) -> bool:
    """Whether the answer is looked at by a person in a browser, so that an error should be a page."""
    return not request.url.path.startswith(("/api/", "/tiles/", "/ogc")) and "text/html" in request.headers.get(
        "accept", ""
    )


def language_of(request: Request) -> str:
    """The language to answer in: asked by the query or the header, else the person's own, else Chinese."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language")
    actor = getattr(request.state, "actor", None)
    if not asked and actor is not None and actor.language in texts.LANGUAGES:
        return str(actor.language)
    return texts.choose_language(asked)


def answer_of(error: Exception, lang: str) -> Answer:
    """What to answer to an error; one that nobody foresaw is 500 and tells nothing of its inside."""
    if isinstance(error, RequestValidationError):
        return _answer_validation_error(error, lang)
    if isinstance(error, Problem):
        return Answer(error.status_code, error.code, error.details, error.errors, headers=error.headers)
    if isinstance(error, HTTPException):
        # Only the router itself knows no route; every other 404 comes with a code of its own.
        code = "unknown_route" if error.status_code == 404 else CODES.get(error.status_code, "bad_request")
        return Answer(error.status_code, code, {}, headers=error.headers)
    if _is_full(error):
        return Answer(503, "no_room_to_write", {}, headers={"Retry-After": str(FULL_RETRY_AFTER_S)})
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    headers = {"Retry-After": str(getattr(error, "retry_after_s", RETRY_AFTER_S))} if status == 503 else None
    if isinstance(error, LayerError):
        return Answer(status, error.code, error.details, error.errors, error.where, headers)
    if isinstance(error, TilingError):
        return Answer(status, error.code, error.details, (), _keep_degrees(error.where), headers, said=str(error))
    return Answer(status, CODES[status], {}, headers=headers)


def _is_full(error: Exception) -> bool:
    """Whether there is no room left where something had to be written: PostgreSQL's disk, or ours."""
    if isinstance(error, sql.DBAPIError):
        return getattr(error.orig, "sqlstate", None) == DISK_FULL
    return isinstance(error, OSError) and error.errno in FULL


def _answer_validation_error(error: RequestValidationError, lang: str) -> Answer:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Answer(400, "malformed_json", {}, _validation_errors(found, lang))
    kinds = {one["type"] for one in found}
    # One wrong moment is told by its own name, as the layers tell theirs.
    code = kinds.pop() if len(kinds) == 1 and kinds <= OF_MOMENTS else "not_acceptable"
    return Answer(422, code, {}, _validation_errors(found, lang))


def _validation_errors(found: Iterable[Any], lang: str) -> tuple[tuple[Sequence[str | int], str], ...]:
    return tuple((tuple(one["loc"])[1:] or tuple(one["loc"]), _sentence(one, lang)) for one in list(found)[:100])


def _sentence(error: Mapping[str, Any], lang: str) -> str:
    """Our words for what pydantic found, its own English ones where we have none."""
    key = f"validation.{error['type']}"
    if error["type"] in OF_MOMENTS:
        key = f"errors.{error['type']}"
    if not texts.has(key):
        return str(error["msg"])
    return _fill_in(key, lang, error.get("ctx") or {})


def _keep_degrees(where: BaseGeometry | None) -> BaseGeometry | None:
    """The place if it is in degrees; one in the metres of some city cannot be told without its CRS."""
    if where is None or where.is_empty:
        return None
    west, south, east, north = where.bounds
    return where if west >= -180 and east <= 180 and south >= -90 and north <= 90 else None


def document_of(answer: Answer, lang: str) -> dict[str, Any]:
    """The problem as a JSON document in one language."""
    document: dict[str, Any] = {
        "type": URN + answer.code,
        "title": _title(answer, lang),
        "status": answer.status,
        "detail": _detail(answer, lang),
    }
    if answer.where is not None:
        document["where"] = json.loads(shapely.to_geojson(answer.where))
    if answer.errors:
        document["errors"] = [{"loc": list(loc), "msg": _message(msg, lang, answer)} for loc, msg in answer.errors]
    extra = {name: value for name, value in answer.details.items() if name not in document and _is_plain(value)}
    return document | extra


def response_of(answer: Answer, lang: str) -> Response:
    """The problem as an answer, in one language."""
    headers = {"Content-Language": lang, "Cache-Control": "no-store", **(answer.headers or {})}
    return Response(_write_json(document_of(answer, lang)), answer.status, headers, MEDIA_TYPE)


def _write_json(document: dict[str, Any]) -> bytes:
    """The document as JSON, whatever is told back in it: a number of more than 64 bits, half a character."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return json.dumps(document, allow_nan=False).encode("ascii")


def _title(answer: Answer, lang: str) -> str:
    key = f"errors.{answer.code}_title"
    plain = f"errors.title_{answer.status}"
    return texts.text(key if texts.has(key) else plain if texts.has(plain) else "errors.title_400", lang)


def _detail(answer: Answer, lang: str) -> str:
    retold = texts.find_sentence(answer.said) if answer.said else None
    if retold is not None:
        return _fill_in(retold[0], lang, retold[1])
    # Some errors have a sentence for each of their reasons, a stable word in `why`.
    reason = f"errors.{answer.code}_{answer.details.get('why')}"
    key = reason if texts.has(reason) else f"errors.{answer.code}"
    return _fill_in(key, lang, answer.details) if texts.has(key) else _title(answer, lang)


def _message(message: str, lang: str, answer: Answer) -> str:
    key = f"errors.{message}"
    return _fill_in(key, lang, answer.details) if texts.has(key) else message


def _fill_in(key: str, lang: str, values: Mapping[str, Any]) -> str:
    """The sentence; where a value is missing, the raw sentence: an error about an error would hide the first one."""
    try:
        return texts.text(key, lang, **_translate_values(values, lang))
    except (KeyError, IndexError, ValueError):
        log.warning("text %s lacks a value: has %s", key, sorted(values))
        return texts.catalogue(lang)[key]


def _translate_values(values: Mapping[str, Any], lang: str) -> Mapping[str, Any]:
    """The values, with what GEOS says of an invalid shape in the reader's language."""
    key = "invalid." + str(values.get("reason", "")).lower().replace("-", "_").replace(" ", "_")
    return {**values, "reason": texts.text(key, lang)} if texts.has(key) else values


def _is_plain(value: object) -> bool:
    """Whether a detail may go out as it is: numbers, texts, and lists and mappings of such."""
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_plain(one) for name, one in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, str | int | float | bool)
