"""Every answer that a test gets is held against the API document: its status, its media type, its form.

client = TruthfulClient(app)       fails in the test whose answer the document does not know
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from gis_api.app import ROUTERS
from gis_api.errors import MEDIA_TYPE

# What no document promises: a fault of ours, and a method that an address does not know.
OUTSIDE_THE_DOCUMENT = (405, 500)


class TruthfulClient(TestClient):
    """A client that reads the document beside every answer."""

    def __init__(self, app: Any, **more: Any) -> None:
        super().__init__(app, **more)
        document_of(app)  # made now: a second that no request waits for

    def request(self, method: str, url: Any, **more: Any) -> Any:
        answer = super().request(method, url, **more)
        check_answer(self.app, answer)
        return answer


def check_answer(app: Any, answer: Any) -> None:
    """Fail where an answer of the contract is none that the document names, or has another form."""
    request = answer.request
    route = find_route(request.method, request.url.path)
    if route is None or answer.status_code in OUTSIDE_THE_DOCUMENT:
        return
    operation = document_of(app)["paths"][route.path_format][request.method.lower()]
    about = f"{request.method} {request.url.path} → {answer.status_code}: {answer.text[:300]}"
    assert str(answer.status_code) in operation["responses"], f"not in the document: {about}"
    media = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code >= 400:
        told = answer.json()
        if media != MEDIA_TYPE:
            assert route.path_format == "/readyz", about
            return
        assert {"type", "title", "status", "detail"} <= told.keys() and told["status"] == answer.status_code, about
        return
    described = operation["responses"][str(answer.status_code)].get("content", {})
    assert media in described or not (described or answer.content), f"{media} is not in the document: {about}"
    field = route.response_fields.get(answer.status_code) or route.response_field
    if field is not None and media.endswith("json"):
        _, wrong = field.validate(answer.json(), {}, loc=())
        assert not wrong, f"{wrong}: {about}"


_DOCUMENTS: list[dict[str, Any]] = []


def document_of(app: Any) -> dict[str, Any]:
    """The API document, made once for all applications of a test run: their routes are the same."""
    if not _DOCUMENTS:
        _DOCUMENTS.append(app.openapi())
    return _DOCUMENTS[0]


@cache
def routes() -> tuple[APIRoute, ...]:
    """The routes of the contract."""

    return tuple(route for router in ROUTERS for route in router.routes if route.include_in_schema)


def find_route(method: str, path: str) -> APIRoute | None:
    """The route of the contract that answers, None for a page or an unknown address."""
    for route in routes():
        if method in route.methods and route.path_regex.fullmatch(path):
            return route
    return None
