"""What a layer still lacks of the touches that CONTRIBUTING.md asks for ("Add a layer"), each told by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import layers
from gis_api import texts
from layers.specs import Code, LayerSpec
from tests.gis_api.reading.test_access_matrix import EXPECTED
from tests.layer_examples import EXAMPLES

ROOT = Path(__file__).parent.parent


def find_faults(spec: LayerSpec) -> list[str]:
    """Everything that is missing, in words."""
    missing = (_texts, _rank, _migration, _example, _colours, _columns, _row_of_the_map, _line_of_the_matrix)
    return [fault for look in missing for fault in look(spec)]


def _texts(spec: LayerSpec) -> Iterator[str]:
    keys = []
    if spec.imported:
        keys += [
            f"imports.layer_{spec.name}",
            f"history.did_import_{spec.name}",
            *(f"imports.field_{field.name}" for field in spec.imported.fields),
        ]
        rules = [field.rule for field in spec.imported.fields]
        keys += [f"importing.{rule.wrong}" for rule in rules if isinstance(rule, Code) and rule.pattern]
    if spec.searched:
        keys.append(f"search.{spec.searched.kind}")
    if spec.drawn and spec.drawn.choice:
        keys.append(f"map.{spec.name}")
    yield from (f"text {key}" for key in keys if not texts.has(key))


def _rank(spec: LayerSpec) -> Iterator[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ranks = next(contract["layers"] for contract in contracts if contract["name"] == "ranks of layers")
    module = spec.table.__module__.split(".")
    if module[0] != "layers" or module[1] not in {name.strip() for rank in ranks for name in rank.split("|")}:
        yield f"rank of {'.'.join(module[:2])}"


def _migration(spec: LayerSpec) -> Iterator[str]:
    written = "".join(path.read_text() for path in (ROOT / "migrations/versions").glob("*.py"))
    if f'"{spec.table.__tablename__}"' not in written:
        yield f"migration of {spec.table.__tablename__}"


def _example(spec: LayerSpec) -> Iterator[str]:
    if spec.imported and spec.name not in EXAMPLES:
        yield "example in tests/layer_examples.py"


def _colours(spec: LayerSpec) -> Iterator[str]:
    """Both themes know the colours by name."""
    css = (ROOT / "gis_api/static/css/colours.css").read_text()
    wanted = [name for name in (spec.drawn.colour, spec.drawn.edge) if name] if spec.drawn else []
    yield from (f"colour {name}" for name in wanted if len(re.findall(rf"--{name}:", css)) < 2)


def _columns(spec: LayerSpec) -> Iterator[str]:
    columns = spec.table.__table__.c
    if spec.imported and spec.imported.shapes and spec.drawn:
        names = [field.name for field in spec.imported.fields if field.stored]
        yield from (f"column {name}" for name in names if name not in columns)
    if spec.searched and "district" not in columns:
        yield "column district, by which the search finds what lies in a district"


def _row_of_the_map(spec: LayerSpec) -> Iterator[str]:
    if not re.search(rf"\|[^|]*\|[^|]*\b{spec.table.__tablename__}\b", layers.__doc__ or ""):
        yield f"{spec.table.__tablename__} in the table of layers/__init__.py"


def _line_of_the_matrix(spec: LayerSpec) -> Iterator[str]:
    if spec.published and f"GET /api/v1/{spec.name}" not in EXPECTED:
        yield f"GET /api/v1/{spec.name} in the access matrix"
