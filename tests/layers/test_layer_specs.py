"""Every layer is whole, and every door knows it: a spec that lacks a touch of the recipe is told, never passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, literal
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from layers import published, searching, tiles
from layers.access import Actor, Role
from layers.ground import SPECS as GROUND
from layers.importing import ImportReport
from layers.map_version import map_version
from layers.registry import BY_NAME, IMPORTED, SPECS
from layers.specs import Code, Drawn, Field, Imported, LayerSpec, Published, Searched, Tile
from tests.importing import csv_file, geo_file, imported
from tests.layer_examples import EXAMPLES, Example
from tests.layer_faults import find_faults
from tests.small_city import SmallCity, load_small_city
from tests.tile_addresses import tile_of

ROOT = Path(__file__).parents[2]
READER = Actor("reader", role=str(Role.admin), area="130273")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class _Elsewhere(DeclarativeBase):
    """Tables that no migration makes."""


class _Bench(_Elsewhere):
    __tablename__ = "benches"
    id: Mapped[int] = mapped_column(primary_key=True)


FORGOTTEN = LayerSpec(
    "benches",
    _Bench,  # type: ignore[arg-type]
    imported=Imported(
        (Field("wood", ("wood",)), Field("seat", ("seat",), Code("x", wrong="no_seat"))), shapes=("Point",)
    ),
    published=Published("Benches.", ("id",), point="geom"),
    tile=Tile(("id",), 16),
    drawn=Drawn("dot", "mahogany", order=60, from_zoom=17, choice="shown"),
    searched=Searched("bench", _Bench, name=literal(""), words=literal(""), starts=(literal(""),), point=literal("")),
)


def test_every_forgotten_touch_is_told() -> None:
    assert find_faults(FORGOTTEN) == [
        "text imports.layer_benches",
        "text history.did_import_benches",
        "text imports.field_wood",
        "text imports.field_seat",
        "text importing.no_seat",
        "text search.bench",
        "text map.benches",
        "rank of tests.layers",
        "migration of benches",
        "example in tests/layer_examples.py",
        "colour mahogany",
        "column wood",
        "column seat",
        "column district, by which the search finds what lies in a district",
        "benches in the table of layers/__init__.py",
        "GET /api/v1/benches in the access matrix",
    ]


@pytest.mark.parametrize("name", BY_NAME)
def test_no_layer_lacks_a_touch(name: str) -> None:
    assert find_faults(BY_NAME[name]) == []


def test_every_spec_that_is_written_is_in_the_registry() -> None:
    files = [path for path in (ROOT / "layers").rglob("*.py") if path.name not in ("specs.py", "registry.py")]
    modules = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in files]
    written = [name for name, path in zip(modules, files, strict=True) if re.search(r"\bLayerSpec\(", path.read_text())]
    assert len(written) > 10
    specs = [one for name in written for one in vars(import_module(name)).values()]
    flat = [one for found in specs for one in (found if isinstance(found, tuple) else (found,))]
    assert {one.name for one in flat if isinstance(one, LayerSpec)} == set(BY_NAME)


# What goes by the registry. Areas and grids are where things lie, and named everywhere.
DOORS = (
    "layers/tiles.py", "layers/published.py", "layers/searching.py", "layers/map_version.py",
    "layers/importing/columns.py", "layers/importing/plain.py", "layers/importing/reading.py",
    "layers/importing/extent.py", "layers/importing/inspecting.py", "gis_api/maps/ground.py", "gis_api/pages.py",
    "gis_api/routes/tiles.py", "gis_api/routes/published.py", "gis_api/routes/search.py", "gis_api/routes/imports.py",
    "gis_api/routes/import_page.py", "gis_api/commands/importing.py", "gis_api/static/js/map/ground.js",
    "gis_api/static/js/map/drawing.js", "gis_api/static/js/planner/layers.js", "gis_api/static/js/imports/asking.js",
    "gis_api/templates/planner.html",
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_no_door_names_a_layer(door: str) -> None:
    quoted = set(re.findall(r"""["']([a-z_]+)["']""", (ROOT / door).read_text()))
    assert quoted & (set(BY_NAME) - {"areas", "grids", "sub_grids"}) == set()


def test_names_and_kinds_are_used_once() -> None:
    kinds = [spec.searched.kind for spec in SPECS if spec.searched]
    assert len(BY_NAME) == len(SPECS) and len(set(kinds)) == len(kinds)


def test_every_file_of_the_ground_is_a_layer_and_none_is_personal() -> None:
    folder = ROOT / "layers/ground"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {spec.table.__module__.rpartition(".")[2] for spec in GROUND} == modules
    assert [spec.name for spec in GROUND if spec.hidden_from or spec.table.__table__.schema] == []


def test_what_is_hidden_from_a_role_is_shown_to_it_nowhere(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load_small_city(session)
    spec, found = searching.THINGS["building"]
    hidden = LayerSpec(spec.name, spec.table, hidden_from=frozenset({Role.leader}), searched=found)
    monkeypatch.setitem(searching.THINGS, "building", (hidden, found))
    asked: list[str] = []
    really = searching.things_statement
    monkeypatch.setattr(searching, "things_statement", lambda one, *way: asked.append(one.kind) or really(one, *way))
    for role in (Role.leader, Role.planner):
        within = searching.Within("", NOW)
        searching.search(session, "楼", within=within, by=Actor("x", role=str(role)))
    assert [kind for kind in asked if kind == "building"] == ["building"], "the planner alone looks for it"


@pytest.fixture(scope="module")
def law(shared_engine: Engine) -> Iterator[tuple[Session, SmallCity]]:
    """The small city in one transaction for all layers, which is rolled back."""
    with shared_engine.connect() as connection:
        whole = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session, load_small_city(session)
        whole.rollback()


@pytest.mark.parametrize("name", IMPORTED)
def test_what_is_imported_is_read_drawn_and_found(law: tuple[Session, SmallCity], tmp_path: Path, name: str) -> None:
    session, city = law
    spec, example = BY_NAME[name], EXAMPLES[name]
    with session.begin_nested() as attempt:
        for needed in example.needs:
            _import(session, city, needed, tmp_path)
        before, version = _shown(session, city, spec, example), map_version(session, at=NOW)
        report = _import(session, city, name, tmp_path)
        assert (report.read, report.stored, report.refused) == (1, 1, ())
        assert map_version(session, at=NOW) != version
        # Grids become a draft: what is in force shows after its publication.
        if name != "grids":
            after = _shown(session, city, spec, example)
            assert {door for door in after if after[door] != before[door]} == set(before)
        # The same file again doubles nothing.
        again = _import(session, city, name, tmp_path)
        assert (again.stored, again.refused) == (1, ())
        attempt.rollback()


def _import(session: Session, city: SmallCity, name: str, folder: Path) -> ImportReport:
    example, columns = EXAMPLES[name], EXAMPLES[name].columns_in(city)
    shape = example.shape_at(*city.inside(min(city.codes)))
    file = csv_file(folder, **columns) if shape is None else geo_file(folder, [shape], **columns)
    return imported(session, name, file, district=city.district, **example.options)


def _shown(session: Session, city: SmallCity, spec: LayerSpec, example: Example) -> dict[str, Any]:
    """What each door shows of a layer about the place of its example."""
    shown: dict[str, Any] = {}
    if spec.published:
        page = published.read_page(session, spec, spec.published, by=READER, area=city.district, at=NOW, limit=10_000)
        shown["read"] = page.features
    if spec.tile:
        x, y = tile_of(city.inside(min(city.codes)), z=17)
        shown["tile"] = tiles.render(session, spec.name, 17, x=x, y=y, area=city.district, at=NOW)
    if example.typed:
        within = searching.Within(city.district, NOW)
        shown["found"] = [one.name for one in searching.search(session, example.typed, within=within, by=READER)]
    return shown


def test_an_example_can_be_found_by_each_layer_that_is_searched() -> None:
    assert [spec.name for spec in SPECS if spec.searched and not EXAMPLES[spec.name].typed] == []
