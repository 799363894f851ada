"""How functions are named and cut.

What does something begins with a verb, what gives something with a verb or the noun of what it gives; few are private
and called once.
"""

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
# By these no function begins: they say neither what it does nor what it gives. Words that are a verb or a noun too
# (near, open, cut, put, read, set, spread) are left out.
WORDLESS = """
    about above across after against alike all alone along also among apart around astray at away bare before behind
    below beneath beside besides best better between beyond big both by canonical certain common deep different
    differing each either elsewhere empty every everybody everything exactly few finest finite first for foreign free
    fresh harmless healthy heaviest heavy here how idle if in inner inside into invalid its large largest last late
    lately latest least likely little local lone long longest loose loud low many missing more most much nearest
    neither never new next no nobody none nothing of off old on once one only onto original other otherwise out outer
    outside outwards over overdue own ownerless particular per plain polygonal possible previous private public quick
    raw real responsible same sane serving several short silent similar simple single small solid some somebody stale
    still straight such the their there these this those through together too touching toward under undecided unique
    unknown unlike unmatched unmet until unusable unserved up upon usable valid visible what when where which while who
    whole whose why with within without worse worst wrong
"""
# Participles that do not end in -ed, and the words that end so and are none.
PARTICIPLES = """
    begun bent borne bought bound brought built caught chosen done drawn driven fallen felt forgotten frozen
    given gone got grown heard held hidden kept known laid led lent lost made meant met overridden paid proven rebuilt
    retold said seen sent shown sold spent spoken stood stuck taken taught thought thrown told took torn understood
    undone unseen won written
"""
ENDING_SO = "embed exceed feed need proceed seed shed speed succeed"
# Forms of the field, of methods only: a changed copy, a second way to make a class, what a tree of shapely offers.
FORMS_OF_METHODS = ("with", "without", "of", "nearest")
# What a framework calls by this name, and the routes by whose names the API document knows them.
NAMED_BY_OTHERS = """
    on_message_begin on_url on_header on_body on_headers_complete on_message_complete who healthz readyz
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


def is_wordless(name: str, *, method: bool = False) -> bool:
    """Whether the first word is neither a verb nor a noun: a preposition, a pronoun, an adjective, a participle."""
    if name.startswith("__") or name in NAMED_BY_OTHERS.split():
        return False
    first = name.lstrip("_").split("_")[0]
    if method and first in FORMS_OF_METHODS:
        return False
    participle = first in PARTICIPLES.split() or (first.endswith("ed") and first not in ENDING_SO.split())
    return participle or first in WORDLESS.split()


def methods_of(path: Path) -> set[int]:
    """The lines in which the methods of a file begin."""
    classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return {one.lineno for node in classes for one in node.body if isinstance(one, Function)}


def is_property(function: Function) -> bool:
    return any(
        ast.unparse(one).split(".")[-1] in ("property", "cached_property", "setter") for one in function.decorator_list
    )


def test_functions_begin_with_a_verb_or_with_the_noun_of_what_they_give() -> None:
    files = [path for path in product_files() if path.relative_to(ROOT).parts[0] in ("tiling", "layers", "gis_api")]
    every = [(path, one, one.lineno in methods_of(path)) for path in files for one in functions_of(path)]
    asked = [(path, one, method) for path, one, method in every if not is_property(one)]
    wordless = [
        f"{path.relative_to(ROOT)}: {one.name}" for path, one, method in asked if is_wordless(one.name, method=method)
    ]
    assert len(asked) > 3_000
    assert wordless == []


@pytest.mark.parametrize("name", ["_told", "told_for", "moved", "in_force", "_without", "nearest_of_many", "_renamed"])
def test_a_participle_a_preposition_and_an_adjective_are_no_beginning(name: str) -> None:
    assert is_wordless(name)


@pytest.mark.parametrize("name", ["find_moved", "rows_of", "is_in_force", "feed_back", "cut", "come", "__init__"])
def test_a_verb_and_a_noun_are_a_beginning(name: str) -> None:
    assert not is_wordless(name)


def test_only_methods_are_named_with_or_of() -> None:
    assert is_wordless("with_rows") and not is_wordless("with_rows", method=True)


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
