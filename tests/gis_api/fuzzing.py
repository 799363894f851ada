"""Requests made from the API document, half of them as it says, half of them hostile: a small schema-driven generator.

The same seed makes the same requests. What schemathesis does at length (`script/fuzz`) this does in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

TEXTS = (
    *("", " ", "x", "130273", "网格", "😀", "a" * 5_000, "\ud800", "%00", "\x00", "'; --", "{x}", "../../etc", "NaN"),
    *("0", "-1", "99999999999999999999", "1e400", "20261129", "null", "true", "wgs84", "en"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-11-29T22:00:00+08:00"),
    *("9999-12-31", "0001-01-01", "2026-11-29", "22:00", "-180,-90,180,90", "nan,nan,nan,nan", "118,39,118.2,39.7"),
)
NUMBERS = (0, 1, -1, 2, 17, 118.18, 39.65, -181.0, 1e308, -1e308, 5e-324, 2**31, 2**53, 2**63, -(2**63), 10**30, 1e-7)
SHAPES: tuple[Any, ...] = (
    *({"type": kind, "coordinates": []} for kind in ("Polygon", "MultiPolygon", "LineString", "Point", "MultiPoint")),
    {"type": "MultiPolygon", "coordinates": [[[]]]},
    {"type": "Polygon", "coordinates": [[[118.1, 39.6], [118.2, 39.7], [118.1, 39.7], [118.2, 39.6], [118.1, 39.6]]]},
    {"type": "Polygon", "coordinates": [[[118.1, 39.6], [118.2, 39.6], [118.2, 39.7], [118.1, 39.6]]]},
    {"type": "LineString", "coordinates": [[118.1, 39.6], [118.1, 39.6]]},
    {"type": "Polygon", "coordinates": [[[1e308, 39.6], [118.2, 39.6], [118.2, 39.7], [1e308, 39.6]]]},
    {"type": "GeometryCollection", "geometries": []},
    {"type": "FeatureCollection", "features": []},
    {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": None}]},
    {"type": ["Polygon"]},
)


@dataclass(frozen=True)
class Attempt:
    """One request: what to ask with which body and headers."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


class Fuzzer:
    """Attempts at every operation of a document; `known` are ids that exist, by the name of the path parameter."""

    def __init__(self, document: dict[str, Any], *, seed: int, known: dict[str, list[str]]) -> None:
        self._document, self._known = document, known
        self._random = Random(seed)

    def attempts(self, *, each: int, leave_out: tuple[str, ...] = ()) -> Iterator[Attempt]:
        """So many attempts at each operation."""
        for path, methods in sorted(self._document["paths"].items()):
            for method, operation in sorted(methods.items()):
                if not any(part in path for part in leave_out):
                    for _ in range(each):
                        yield self._attempt(path, method.upper(), operation)

    def _attempt(self, path: str, method: str, operation: dict[str, Any]) -> Attempt:
        query, headers = [], {"accept-language": self._random.choice(("en", "zh-CN"))}
        for parameter in map(self._resolved, operation.get("parameters", [])):
            name, place = parameter["name"], parameter["in"]
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(self._path_value(name, parameter["schema"]), safe=""))
            elif parameter.get("required") or self._random.random() < 0.4:
                value = self._value(parameter["schema"])
                text = value if isinstance(value, str) else json.dumps(value)
                if place == "query":
                    query.append(f"{quote(name)}={quote(text.encode('utf-8', 'replace'))}")
                else:
                    headers[name] = self._header(name, text)
        body = self._body(operation)
        if body is not None:
            headers["content-type"] = "application/json"
        return Attempt(method, "?".join(filter(None, (path, "&".join(query)))), body, headers)

    def _header(self, name: str, text: str) -> str:
        if name.lower() == "if-match" and self._random.random() < 0.7:
            return '"1"'
        return text.encode("ascii", "ignore").decode().replace("\x00", "").strip()[:300]

    def _path_value(self, name: str, schema: dict[str, Any]) -> str:
        if name in self._known and self._random.random() < 0.6:
            return self._random.choice(self._known[name])
        value = self._value(schema)
        text = value if isinstance(value, str) else json.dumps(value)
        return text.encode("utf-8", "replace").decode().replace("/", "") or "0"

    def _body(self, operation: dict[str, Any]) -> bytes | None:
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return b"{}" if content else None
        chance = self._random.random()
        if chance < 0.05:
            return b'{"a": ' + self._random.choice((b"", b"1e400}", b"[" * 1_000, b"\xff}", b"NaN}"))
        return json.dumps(self._value(content["application/json"]["schema"])).encode()

    def _value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value for a schema, or one that no schema wants."""
        schema = self._resolved(schema)
        if depth > 6 or self._random.random() < 0.12:
            return self._odd()
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._value(self._random.choice(schema[several]), depth + 1)
        if "enum" in schema and self._random.random() < 0.9:
            return self._random.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            least = schema.get("minItems", 0)
            number = self._random.randint(least, least + 2)
            items = schema.get("prefixItems") or [schema.get("items", {})] * number
            return [self._value(item, depth + 1) for item in items]
        if kind in ("integer", "number"):
            return self._random.choice(NUMBERS)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "string":
            return self._random.choice((*schema.get("examples", ()), *TEXTS))
        return None if kind == "null" else self._odd()

    def _object(self, schema: dict[str, Any], depth: int) -> Any:
        if "properties" not in schema:
            return self._random.choice(SHAPES)
        wanted = schema.get("required", ())
        return {
            name: self._value(inner, depth + 1)
            for name, inner in schema["properties"].items()
            if name in wanted or self._random.random() < 0.5
        }

    def _odd(self) -> Any:
        return self._random.choice((None, True, [], {}, [[]], *NUMBERS, *TEXTS, *SHAPES))

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema
