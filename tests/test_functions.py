"""How functions are named and cut: what does something begins with a verb, and few are private and called once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_house_rules import PACKAGES, ROOT, product_files

# The verbs of the house. A new one is added here when it is a verb.
VERBS = """
    add agree analyse announce apply archive ask attempt beat begin call carry change check clean clear close complete
    connect copy count cut divide do draw dress drop emit end ensure enter exempt explain extend fail fill find
    finish follow forget furnish give hand have hear hide hold ignore import initialise install join keep lead leave
    lend let limit list listen load locate look lower make mark merge migrate mount move name note observe open pass
    pause place poll price print publish put read record recount refresh refuse register remark remember remove
    rename renew repeat require reset resume retire revoke run say see send serve set settle share show sign solve speak
    spread start stay stop store succeed take tell throw tidy touch turn undo upgrade wait warn watch welcome write
"""
# Names that others gave: programs, commands, the callbacks of asyncio, httptools, click and file objects.
GIVEN = """
    main demo connection_made connection_lost data_received shutdown on_message_begin on_url on_header on_body
    on_headers_complete on_message_complete format_help flush progress
"""
# Of all functions of `tiling` and `layers`, per cent. These only ever go down.
MOST_CALLED_ONCE = 36.9
MOST_SHORT_ONES = 6.6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def gives_nothing(function: Function) -> bool:
    return isinstance(function.returns, ast.Constant) and function.returns.value is None


def test_what_does_something_begins_with_a_verb() -> None:
    doing = [(path, one) for path in product_files() for one in functions_of(path) if gives_nothing(one)]
    assert len(doing) > 400
    wordless = [
        f"{path.relative_to(ROOT)}: {one.name}"
        for path, one in doing
        if not one.name.startswith("__")
        and one.name.lstrip("_") not in GIVEN.split()
        and one.name.lstrip("_").split("_")[0] not in VERBS.split()
    ]
    assert wordless == []


def called_once(path: Path) -> list[Function]:
    """Private functions of a file that are named a single time in it, beside where they are made."""
    tree = ast.parse(path.read_text())
    named = Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )
    private = [one for one in functions_of(path) if one.name.startswith("_") and not one.name.startswith("__")]
    return [one for one in private if named[one.name] == 1]


def lines_of(function: Function) -> int:
    first = function.body[0]
    spoken = 0 if ast.get_docstring(function) is None else (first.end_lineno or 0) - first.lineno + 1
    return (function.end_lineno or 0) - function.lineno + 1 - spoken


@pytest.mark.parametrize(("shorter_than", "most"), [(1_000, MOST_CALLED_ONCE), (4, MOST_SHORT_ONES)])
def test_few_private_functions_are_called_once(shorter_than: int, most: float) -> None:
    assert set(PACKAGES) >= {"tiling", "layers"}
    files = [path for path in product_files() if path.relative_to(ROOT).parts[0] in ("tiling", "layers")]
    whole = sum(1 for path in files for _ in functions_of(path))
    once = [one for path in files for one in called_once(path) if lines_of(one) < shorter_than]
    assert 100 * len(once) / whole <= most
