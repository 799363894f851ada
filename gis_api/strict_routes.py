"""Routes that take what they know and nothing else.

    router = APIRouter(route_class=StrictRoute)

A parameter that nobody knows would be passed over in silence, and the answer be one to another question; one that is
given twice could mean either. A lone surrogate (`"\\ud800"`, half a character) is text in JSON and in Python, but in no
encoding: whatever stores or answers it fails. All three are refused before the route sees them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gis_api.errors import Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
# Known everywhere: the language of the answer.
EVERYWHERE = ("lang",)
# How a lone surrogate can come in: as an escape, or as the three bytes that UTF-8 would have for it if it could.
_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]").search
_SURROGATE = re.compile("[\ud800-\udfff]").search
MOST_NAMED = 20


class StrictRoute(APIRoute):
    """A route of the contract; pages, which stand in no document, are left as they are."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the checks of the query, with a request that reads texts strictly."""
        handle = super().get_route_handler()
        if not self.include_in_schema:
            return handle
        several = query_names(self.dependant)
        read = self.request_class

        async def handle_strictly(request: Request) -> Response:
            if request.scope["query_string"]:
                refuse_odd_query(request, several)
            reader = read(request.scope, request.receive)
            try:
                return await handle(reader)
            finally:
                reader.let_go()

        return handle_strictly

    @property
    def request_class(self) -> type[StrictRequest]:
        """What reads the body."""
        return StrictRequest


class StrictRequest(Request):
    """A request whose document holds whole characters only."""

    async def json(self) -> Any:
        """The body as a document; raises Problem where a text is none, JSONDecodeError as `json.loads` does."""
        document = await super().json()
        refuse_lone_surrogates(document, await self.body())
        return document

    def let_go(self) -> None:
        """Nothing was kept."""


def query_names(dependant: Dependant) -> dict[str, bool]:
    """The names of a route's query parameters, and whether each may be given more than once."""
    known = dict.fromkeys(EVERYWHERE, False)
    for field in dependant.query_params:
        known[field.alias] = _is_list(field.field_info.annotation)
    for inner in dependant.dependencies:
        known |= query_names(inner)
    return known


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in getattr(annotation, "__args__", ()))


def refuse_odd_query(request: Request, several: dict[str, bool]) -> None:
    """Raise Problem for a query parameter that is not known here, naming those that are, and for one given twice."""
    names = [name for name, _ in request.query_params.multi_items()]
    foreign = sorted(set(names) - several.keys())
    if foreign:
        known = sorted(several)
        errors = [([name[:100]], "unknown_parameter") for name in foreign[:MOST_NAMED]]
        raise Problem(422, "unknown_parameter", errors=errors, known=known, known_words=", ".join(known))
    repeated = sorted(name for name in set(names) if names.count(name) > 1 and not several[name])
    if repeated:
        raise Problem(422, "not_acceptable", errors=[([name], "repeated") for name in repeated])


def refuse_lone_surrogates(document: Any, body: bytes) -> None:
    """Raise Problem naming the places of texts that hold half a character; cheap where the body can hold none."""
    if json.detect_encoding(body) in ("utf-8", "utf-8-sig") and _SUSPECT(body) is None:
        return
    places = [place for place, _ in zip(_find_broken_texts(document), range(MOST_NAMED), strict=False)]
    if places:
        raise Problem(422, "lone_surrogate", errors=[(place, "lone_surrogate") for place in places])


def holds_half_characters(text: str) -> bool:
    """Whether a text holds lone surrogates, which no encoding can hold."""
    return _SURROGATE(text) is not None


def _find_broken_texts(document: Any) -> Iterator[list[str | int]]:
    """Where texts with lone surrogates stand, names of members included; no depth of nesting can hurt."""
    waiting: list[tuple[list[str | int], Any]] = [([], document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            if _SURROGATE(value):
                yield place
        elif isinstance(value, dict):
            if any(map(_SURROGATE, value)):
                yield place
            waiting += [([*place, name], inner) for name, inner in value.items() if not _SURROGATE(name)]
        elif isinstance(value, list):
            waiting += [([*place, number], inner) for number, inner in enumerate(value)]
