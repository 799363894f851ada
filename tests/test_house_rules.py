"""The house rules of CONTRIBUTING.md, as tests: what was remarked twice in review is checked here."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("tiling", "layers", "migrations", "gis_api")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.splitlines() if name.endswith(suffixes)]
    return [path for path in paths if path.is_file()]


def product_files() -> list[Path]:
    """Files of the product but the revisions, which tell what was, each by itself."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in files if path.parent != ROOT / "migrations" / "versions"]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code of a function: without its docstring, which may be as long as it needs."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return whole
    return whole - (first.end_lineno - first.lineno + 1)


def named(paths: Iterable[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_a_file_has_at_most_400_lines() -> None:
    long = {path: path.read_text().count("\n") for path in tracked(".py")}
    assert named(path for path, lines in long.items() if lines > LONGEST_FILE) == []


def test_a_line_of_a_script_has_at_most_120_characters() -> None:
    """Prettier breaks code; comments and texts it leaves as they are."""
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked(".js")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 120
    ]
    assert long == []


def test_a_function_has_at_most_60_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.name} {lines_of(function)}"
        for path in tracked(".py")
        for function in functions(path)
        if lines_of(function) > LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("package", PACKAGES)
def test_most_functions_are_short(package: str) -> None:
    lengths = sorted(lines_of(function) for path in (ROOT / package).rglob("*.py") for function in functions(path))
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_no_room_is_named_after_nothing() -> None:
    parts = {
        path: {part.lower() for part in path.relative_to(ROOT).with_suffix("").parts} for path in tracked(".py", ".js")
    }
    assert named(path for path, words in parts.items() if words & FORBIDDEN_NAMES) == []


def test_public_things_have_a_docstring() -> None:
    missing = [f"{path.relative_to(ROOT)}: {name}" for path in product_files() for name in undocumented(path)]
    assert missing == []


def undocumented(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    if tree.body and ast.get_docstring(tree) is None:
        yield "the module itself"
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
            "_"
        )
        if public and ast.get_docstring(node) is None and not (_is_route(node) or _is_message(node)):
            yield node.name


def _is_route(node: ast.AST) -> bool:
    """A route's words stand in its decorator (summary) and reach the reader through the OpenAPI document."""
    return bool(getattr(node, "decorator_list", []))


def _is_message(node: ast.AST) -> bool:
    """An In/Out model at the door: its fields are its documentation."""
    return isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "BaseModel" for base in node.bases)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_class_has_a_name_of_its_own_in_its_package(package: str) -> None:
    where: dict[str, list[Path]] = {}
    for path in product_files():
        if path.relative_to(ROOT).parts[0] == package:
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    where.setdefault(node.name, []).append(path)
    assert {name: named(paths) for name, paths in where.items() if len(paths) > 1} == {}


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    texts = {path: path.read_text() for path in tracked(".py", ".js", ".css", ".toml", ".md") if path != Path(__file__)}
    assert named(path for path, text in texts.items() if marks.search(text)) == []


def test_no_error_is_swallowed_whole() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
        and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert bare == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    marks = re.compile(r"(?<![\w.])/(?:work|root|farm)/\w|files\.pythonhosted|registry\.(?:npmjs|yarnpkg)|pypi\.org")
    texts = {
        path: path.read_text(errors="replace")
        for path in tracked(".py", ".js", ".toml", ".txt", ".md", ".json", ".yml")
    }
    assert named(path for path, text in texts.items() if marks.search(text) and path != Path(__file__)) == []


def test_only_one_place_runs_loops_in_tests() -> None:
    loops = [
        path for path in tracked(".py") if path.parts[len(ROOT.parts)] == "tests" and "asyncio.run(" in path.read_text()
    ]
    assert named(loops) == ["tests/test_house_rules.py"], (
        "use tests.loops.run_apart: an open browser keeps a loop running"
    )


def test_only_settings_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in product_files()
        if re.search(r"os\.environ|os\.getenv|getenv\(", path.read_text()) and path.name != "settings.py"
    ]
    assert readers == []


def test_no_private_part_of_the_standard_library_is_stood_on() -> None:
    private = re.compile(r"json\.scanner|json\.decoder|py_make_scanner|import sre_|from re import _|asyncio\._")
    assert named(path for path in product_files() if private.search(path.read_text())) == []


def test_one_clock_is_read() -> None:
    """`layers.moments.read_clock`, which tests set: whoever asks the machine goes by another time than all others."""
    asking = re.compile(r"datetime\.(?:now|utcnow|today)\b|date\.today\b|time\.time\(|time\.localtime\(")
    readers = named(path for path in product_files() if asking.search(path.read_text()))
    assert set(readers) <= {"layers/moments.py", "gis_api/jobs.py"}, "the job process compares files' times of the disk"


def test_only_layers_speak_sql() -> None:
    """Doors hand a session on; what is asked of it stands in `layers`."""
    speaking = re.compile(
        r"^\s*from sqlalchemy import [^\n]*\b(?:select|text|insert|update|delete|func|exists)\b|\.execute\(\s*text\(|"
        r"session\.(?:query|scalars?|execute)\(",
        re.MULTILINE,
    )
    doors = [path for path in product_files() if path.relative_to(ROOT).parts[0] == "gis_api"]
    assert named(path for path in doors if speaking.search(path.read_text())) == []


# Statements that are put together as text, each with its reason: names of tables, channels and constraints cannot be
# bound, and SQLAlchemy has no expression for these commands.
WRITTEN_SQL = {
    "gis_api/replicas/listening.py": "LISTEN takes a name",
    "layers/db.py": "COPY takes names",
    "layers/importing/bulk.py": "ANALYZE takes a name",
    "migrations/cluster.py": "psql asks whether a database is there, before there is anything to connect to",
    "migrations/demo/rows.py": "a sequence is read as a table, by its name",
    "migrations/moments.py": "ALTER TABLE takes names",
    "migrations/service_role.py": "GRANT and REVOKE take names",
}
SQL = re.compile(r"^\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|COPY|ANALYZE|LISTEN|ALTER|GRANT|REVOKE)\s")


def test_statements_are_expressions() -> None:
    """Text of a statement is a constant; what differs from question to question is an expression or is bound."""
    writers = set(named(path for path in product_files() if any(written_statements(path))))
    assert writers - set(WRITTEN_SQL) == set()
    assert set(WRITTEN_SQL) - writers == set(), "no longer needs an exception"


def written_statements(path: Path) -> Iterator[int]:
    """Lines where a statement is put together: handed to SQLAlchemy's `text` and no constant, or begun by its verb."""
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree))
    ours = any(
        isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy" and "text" in {one.name for one in node.names}
        for node in nodes
    )
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    by_name = {target.id: node.value for node in assigned for target in node.targets if isinstance(target, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id == "text":
            asked = node.args[0]
            said = by_name.get(asked.id, asked) if isinstance(asked, ast.Name) else asked
            if ours and not isinstance(said, ast.Constant):
                yield node.lineno
        first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else None
        if isinstance(first, ast.Constant) and SQL.match(str(first.value)):
            yield node.lineno


def test_only_plane_projects_and_only_files_reads_frames() -> None:
    users = {
        name: {
            str(path.relative_to(ROOT))
            for path in product_files()
            if re.search(rf"^\s*(?:import|from) {name}\b", path.read_text(), re.MULTILINE)
        }
        for name in ("pyproj", "geopandas")
    }
    assert {path for path in users["pyproj"] if path.startswith("tiling/")} <= {"tiling/plane.py"}
    assert all(path.startswith("layers/files") for path in users["geopandas"])


def test_no_relationship_loads_lazily() -> None:
    users = [str(path) for path in product_files() if re.search(r"\brelationship\(", path.read_text())]
    assert users == []


def test_locks_carry_hashes_and_name_no_host() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        words = lock.read_text()
        assert "--hash=sha256:" in words
        assert "://" not in words
    packages = (ROOT / "package-lock.json").read_text()
    assert '"integrity"' in packages
    assert '"resolved": "http' not in packages


def test_every_locked_requirement_is_asked_for_in_the_project() -> None:
    asked = (ROOT / "requirements.in").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"]["file"] == ["requirements.in"]
    assert len(asked) == len(set(asked))


MARK = re.compile(r"\[([SLCPDKEA][0-9]{1,2})\]")


def test_every_mark_of_the_specification_is_explained() -> None:
    """[S4] in a docstring means the promise of that name in docs/product.md."""
    explained = set(re.findall(r"\*\*\[([A-Z][0-9]+)\]", (ROOT / "docs/product.md").read_text()))
    unknown = [
        f"{path.relative_to(ROOT)}: [{mark}]"
        for path in tracked(".py", ".js", ".md", ".toml", ".html", ".css")
        for mark in sorted(set(MARK.findall(path.read_text())) - explained)
    ]
    assert unknown == []


def test_every_file_named_in_the_architecture_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    named_there = set(re.findall(r"`((?:tiling|layers|migrations|gis_api|tests)/[\w./]*)`", text))
    assert len(named_there) > 20
    assert sorted(name for name in named_there if not (ROOT / name).exists()) == []
