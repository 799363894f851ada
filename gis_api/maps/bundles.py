"""An own module with everything that it imports, as one file: seventy requests of a page become one.

Own modules keep to a style that makes this simple, and what does not keep to it raises when the bundle is made: imports
are named and relative; what is exported is a function, a class or a constant. Each module becomes a
function that returns its exports, called in the order of the imports. No tool from elsewhere is needed for it.
"""

import re
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r'^import \{\s+([\w$,\s]+?),?\s+\} from "(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) ([\w$]+)", re.MULTILINE)
_FOREIGN = re.compile(r"^(?:import\b.*|export (?!(?:async )?function|class|const ).*)$", re.MULTILINE)


class UnusualModuleError(ValueError):
    """A module imports or exports in a way that bundles do not know."""


@cache
def bundle_of(entry: Path) -> str:
    """The script that does what the module `entry` does, and exports the same.

    Raises UnusualModuleError for a module that is not in the style above, and where two modules that import each other
    take more than functions from each other: one of them runs before the other's classes are there.
    """
    order = _in_order(entry.resolve())
    numbers = {module: f"$${number}" for number, module in enumerate(order)}
    parts = [_wrapped(module, numbers) for module in order[:-1]]
    own = order[-1]
    return "\n".join([*parts, _with_imports(own, numbers)])


def _in_order(entry: Path) -> list[Path]:
    """The module and all that it imports, each behind those that it needs; of a circle, whoever is met first last."""
    done: dict[Path, None] = {}
    under_way: set[Path] = set()

    def visit(module: Path) -> None:
        if module in done or module in under_way:
            return
        under_way.add(module)
        for _, name in _imports(module):
            visit((module.parent / name).resolve())
        done[module] = None

    visit(entry)
    return list(done)


def _imports(module: Path) -> list[tuple[str, str]]:
    return [(names, path) for names, path in _IMPORT.findall(_source(module))]


@cache
def _source(module: Path) -> str:
    return module.read_text(encoding="utf-8")


def _wrapped(module: Path, numbers: dict[Path, str]) -> str:
    names = [name for _, name in _EXPORT.findall(_source(module))]
    body = _EXPORT.sub(r"\1 \2", _with_imports(module, numbers))
    return f"const {numbers[module]} = (() => {{\n{body}\nreturn {{ {', '.join(names)} }};\n}})();"


def _with_imports(module: Path, numbers: dict[Path, str]) -> str:
    """The source with its imports taken from the modules before it."""
    unusual = _FOREIGN.search(_IMPORT.sub("", _source(module)))
    if unusual:
        raise UnusualModuleError(f"{module.name}: {unusual[0]}")
    order = list(numbers)

    def taken(found: re.Match[str]) -> str:
        other = (module.parent / found[2]).resolve()
        names = [name.strip() for name in found[1].split(",") if name.strip()]
        if order.index(other) < order.index(module):
            return f"const {{ {', '.join(': '.join(name.split(' as ')) for name in names)} }} = {numbers[other]};"
        return "\n".join(_later(module, name, other, numbers) for name in names)

    return _IMPORT.sub(taken, _source(module))


def _later(module: Path, name: str, other: Path, numbers: dict[Path, str]) -> str:
    """A function of a module that runs only after this one: looked up when it is called."""
    theirs, _, mine = name.partition(" as ")
    kinds = {exported: kind for kind, exported in _EXPORT.findall(_source(other))}
    if "function" not in kinds.get(theirs, ""):
        raise UnusualModuleError(f"{module.name} and {other.name} import each other, and {theirs} is no function")
    return f"const {mine or theirs} = (...all) => {numbers[other]}.{theirs}(...all);"
