"""The API document made true: who may come in, what each route can refuse, and in which form.

FastAPI reads parameters, bodies and models off the routes. What it cannot read there, because it happens in doors and
error handlers, is added here by rule: the security schemes, one problem document for every error, and of each route the
statuses that it can answer with. That the rules hold is tried by `script/fuzz` and by its short run among the tests:
an answer with a status that the document does not name is a failure there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gis_api.auth import COOKIE
from gis_api.errors import MEDIA_TYPE
from gis_api.texts import LANGUAGES

SECURITY: Mapping[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A machine key, made by an admin: `POST /api/v1/keys` or `wangge key add`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A person's session, opened by `POST /api/v1/session`.",
    },
}
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457), in the language asked for.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "A stable URN that names the kind: `urn:wangge:problem:foreign_area`",
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, for a person."},
        "where": {"type": "object", "description": "The place, as a GeoJSON geometry in WGS84 degrees."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg"],
                "properties": {
                    "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                    "msg": {"type": "string"},
                },
            },
        },
    },
}
LANG: Mapping[str, Any] = {
    "name": "lang",
    "in": "query",
    "required": False,
    "description": "The language of words in the answer; else by Accept-Language, the person's own, Chinese.",
    "schema": {"type": "string", "enum": list(LANGUAGES)},
}
# Seconds to wait before asking again.
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before asking again."}}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Parameters of a query that name one thing, which may not be there or lie outside the caller's area.
NAMING = frozenset(("area", "district", "plan", "against", "lon", "worker", "grid"))
# What follows from no rule. A sign-in refuses wrong passwords and too many of them.
BESIDES: Mapping[tuple[str, str], frozenset[int]] = {
    ("POST", "/api/v1/session"): frozenset((401, 403, 429)),
    ("PUT", "/api/v1/session/password"): frozenset((403, 429)),
    ("POST", "/api/v1/locate"): frozenset((400, 415)),
    ("POST", "/api/v1/incidents"): frozenset((400,)),
    ("POST", "/api/v1/uploads"): frozenset((400, 404)),
    ("POST", "/api/v1/imports"): frozenset((400, 404)),
    ("POST", "/api/v1/standards"): frozenset((400,)),
    ("POST", "/api/v1/shifts/import"): frozenset((400,)),
    ("POST", "/api/v1/plans/{plan_id}/repair"): frozenset((428,)),
    ("GET", "/api/v1/plans/{plan_id}/rebase"): frozenset((409,)),
    ("GET", "/api/v1/emergencies/{area}/calls"): frozenset((409,)),
    ("GET", "/api/v1/positions/track"): frozenset((404,)),
    ("GET", "/readyz"): frozenset((503,)),
    ("GET", "/api/v1/plans/{plan_id}/live"): frozenset((429,)),
}
NEEDS_NO_DATABASE = ("/healthz", "/readyz", "/metrics")


def describe(document: dict[str, Any], routes: Iterable[APIRoute]) -> dict[str, Any]:
    """FastAPI's document with security schemes, problem documents and the statuses of every route."""
    parts = document.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        parts.get("schemas", {}).pop(name, None)
    parts["securitySchemes"] = dict(SECURITY)
    parts["parameters"] = {"lang": dict(LANG)}
    parts.setdefault("schemas", {})["Problem"] = dict(PROBLEM)
    parts["responses"] = {}
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, route, method, parts["responses"])
    return document


def _complete(operation: dict[str, Any], route: APIRoute, method: str, shared: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/lang"})
    if is_guarded(route.dependant):
        operation["security"] = [{"key": []}, {"session": []}]
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:
        if not _is_told_by_the_route(responses[status]):
            del responses[status]
    for told in responses.values():
        _tidy(told)
    for status in sorted(statuses_of(route, method)):
        shared.setdefault(f"Problem{status}", _problem(status))
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})


def statuses_of(route: APIRoute, method: str) -> set[int]:
    """The errors that a route can answer with."""
    names = {
        field.alias.lower() for part in _walk(route.dependant) for field in (*part.query_params, *part.header_params)
    }
    # A body may come with any request, also where none is expected; one that is too large is told so.
    found = {413, 422} | BESIDES.get((method, route.path_format), frozenset())
    if is_guarded(route.dependant):
        found |= {401, 403}
    if route.path_format not in NEEDS_NO_DATABASE:
        found |= {503}
    if "{" in route.path_format or names & NAMING:
        found |= {404}
    if method in WRITES:
        found |= {409}
    if route.body_field is not None:
        found |= {400} if route.path_format == "/api/v1/session" else {400, 404}
    if names & {"if_match", "if-match"}:
        found |= {412} if route.path_format.endswith(("/repair", "/divide")) else {412, 428}
    return found


def is_guarded(dependant: Dependant) -> bool:
    """Whether a role is asked for at the door of a route."""
    return any(getattr(part.call, "roles", None) for part in _walk(dependant))


def _walk(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _walk(inner)


def _is_told_by_the_route(response: Mapping[str, Any]) -> bool:
    """Whether a route itself says in which form it refuses (`/readyz` answers 503 with its state)."""
    schemas = [content.get("schema", {}) for content in response.get("content", {}).values()]
    return any("$ref" in schema and "HTTPValidationError" not in schema["$ref"] for schema in schemas)


def _tidy(response: dict[str, Any]) -> None:
    """Give the model of an answer to the media type that it really has."""
    content = response.get("content", {})
    for media, told in content.items():
        if "$ref" in told.get("schema", {}):
            content[media] = {**told, "schema": {"$ref": told["schema"]["$ref"]}}
    bare = [media for media, told in content.items() if not told.get("schema")]
    if bare and "application/json" in content and "application/json" not in bare:
        told = content.pop("application/json")
        content.update(dict.fromkeys(bare, told))


def _problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return told | {"headers": RETRY_AFTER} if status in (429, 503) else told
