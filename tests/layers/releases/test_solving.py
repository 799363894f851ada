"""A release gives nothing away: against brute force over every table that somebody could believe in ([A3])."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.releases.auditing import Auditor, find_narrow
from layers.releases.family import Family, FamilyCell, Key
from layers.releases.solving import choose_shown
from layers.smallest_count import SMALLEST


def build_family(
    counts: npt.ArrayLike, *, communities: Sequence[str], categories: Sequence[str], parents: Mapping[str, str]
) -> Family:
    """The family of every community, every area above it, every category and their total.

    `counts` is communities x categories; `parents` leads from each code to the next one up. Keys are (area, category),
    the category "" being the total; where there is one category only, it is the total.
    """
    table = np.asarray(counts, dtype=np.int64)
    assert table.shape == (len(communities), len(categories))
    rows_of: dict[str, list[int]] = {}
    for row, code in enumerate(communities):
        here: str | None = code
        while here:
            rows_of.setdefault(here, []).append(row)
            here = parents.get(here)
    columns_of = {name: [column] for column, name in enumerate(categories)}
    if len(categories) > 1:
        columns_of[""] = list(range(len(categories)))
    cells = tuple(
        FamilyCell(
            (area, category),
            tuple(row * len(categories) + column for row in rows for column in columns),
            int(table[np.ix_(rows, columns)].sum()),
        )
        for area, rows in rows_of.items()
        for category, columns in columns_of.items()
    )
    return Family(table.size, cells)


def town(counts: list[list[int]], streets: int) -> Family:
    communities = [f"s{row % streets}c{row}" for row in range(len(counts))]
    parents = {code: code[:2] for code in communities} | {f"s{street}": "d" for street in range(streets)}
    return build_family(
        counts, communities=communities, categories=[f"k{one}" for one in range(len(counts[0]))], parents=parents
    )


def believable(family: Family, public: list[FamilyCell]) -> Iterator[tuple[int, ...]]:
    """Every table of whole counts that agrees with what is public; for tiny families only."""
    most = max(cell.n for cell in public) if public else 0
    sums = [(set(cell.atoms), cell.n) for cell in public]

    def fits(table: tuple[int, ...]) -> bool:
        return all(sum(table[atom] for atom in atoms) == n for atoms, n in sums)

    return (table for table in itertools.product(range(most + 1), repeat=family.atoms) if fits(table))


small_counts = st.lists(st.integers(0, 24), min_size=2, max_size=3)


@settings(max_examples=30, deadline=None)
@given(small_counts)
def test_every_hidden_count_could_be_many_things(counts: list[int]) -> None:
    family = town([[n] for n in counts], streets=1)
    shown = choose_shown(family)
    public = family.list_public(shown)
    covered = {atom for cell in public for atom in cell.atoms}
    tables = np.array(list(believable(family, public)))
    for cell in family.list_hidden(shown):
        if not set(cell.atoms) <= covered:
            continue  # nothing bounds it from above
        values = tables[:, list(cell.atoms)].sum(axis=1)
        assert values.max() - values.min() >= SMALLEST


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 3), st.integers(1, 4))
def test_a_solved_release_passes_its_audit_and_shows_nothing_small(
    seed: int, communities: int, streets: int, categories: int
) -> None:
    counts = np.random.default_rng(seed).poisson(14, (communities, categories)).tolist()
    family = town(counts, streets=streets)
    shown = choose_shown(family)
    assert all(cell.n >= SMALLEST for cell in family.list_public(shown))
    assert find_narrow(family, shown) == {}


def test_the_old_rule_gives_a_hidden_street_away() -> None:
    """Hiding within one parent only: a street under 11 is the district less its other streets, level by level."""
    family = town([[20], [5], [30], [40]], streets=2)
    shown = frozenset(cell.key for cell in family.cells if cell.n >= SMALLEST)
    assert set(find_narrow(family, shown)) == {("s1c1", "k0")}
    solved = choose_shown(family)
    assert len(family.cells) - len(solved) >= 2


def test_a_total_over_categories_gives_nothing_away() -> None:
    family = town([[40, 3], [50, 60]], streets=1)
    shown = choose_shown(family)
    assert ("s0c0", "k1") not in shown
    assert find_narrow(family, shown) == {}
    # One category next to a hidden one, or the total over both, is hidden with it.
    assert not {("s0c0", "k0"), ("s0c0", "")} <= shown


def test_what_is_public_already_counts() -> None:
    """Ground that changed hands is the difference of two cells, one of each release."""
    old, new = (0, 1), (0,)
    moved = FamilyCell(("moved",), (1,), 4)
    alone = Family(2, cells=(FamilyCell(("new",), new, 40),), guarded=(moved,))
    assert choose_shown(alone) == {("new",)}
    together = Family(
        2, cells=(FamilyCell(("new",), new, 40),), known=(FamilyCell(("old",), old, 44),), guarded=(moved,)
    )
    assert choose_shown(together) == frozenset()


def test_nothing_is_hidden_in_vain() -> None:
    family = town([[30], [40], [50], [60]], streets=2)
    assert choose_shown(family) == {cell.key for cell in family.cells}


def test_the_same_counts_are_always_solved_the_same_way() -> None:
    rng = random.Random(7)
    counts = [[rng.choice((0, 3, 12, 15, 40)) for _ in range(3)] for _ in range(10)]
    assert len({choose_shown(town(counts, streets=3)) for _ in range(3)}) == 1


@pytest.mark.parametrize("hidden", ["k0", "k1"])
def test_the_auditor_finds_what_a_subtraction_finds(hidden: str) -> None:
    family = town([[40, 3], [50, 60]], streets=1)
    others: frozenset[Key] = frozenset(cell.key for cell in family.cells if cell.key != ("s0c0", hidden))
    cell = next(cell for cell in family.cells if cell.key == ("s0c0", hidden))
    interval = Auditor(family, others).interval(cell)
    assert (round(interval.least), round(interval.largest)) == (cell.n, cell.n)
