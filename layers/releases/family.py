"""A family of cells that are released together: counts of one layer in one month ([A3]).

An atom is what no cell divides: one community and one category (where borders changed: one piece of ground and one
category). Every cell is the sum of some atoms; whoever knows some cells knows so many equations about the atoms, and
that none of them is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

# What a cell is called: (area, category) where it is released, more words where it only helps the audit.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyCell:
    """A sum of atoms (their numbers, ascending) with its name; `n` is its true count."""

    key: Key
    atoms: tuple[int, ...]
    n: int


@dataclass(frozen=True, slots=True)
class Family:
    """All cells that may be released together.

    `known` are cells that are public already, such as the last release under other borders; `guarded` are never
    released but must not be found out either: a piece of ground that changed hands is the difference of two cells.
    """

    atoms: int
    cells: tuple[FamilyCell, ...]
    known: tuple[FamilyCell, ...] = ()
    guarded: tuple[FamilyCell, ...] = ()

    def list_hidden(self, shown: frozenset[Key]) -> list[FamilyCell]:
        """What must stay hidden where these are shown."""
        return [cell for cell in (*self.cells, *self.guarded) if cell.key not in shown]

    def list_public(self, shown: frozenset[Key]) -> list[FamilyCell]:
        """What everybody knows where these are shown."""
        return [*self.known, *(cell for cell in self.cells if cell.key in shown)]
