"""An attacker who knows released rows and that codes lie under each other, by routes that the product does not take.

Bounds are pushed through "a cell is the sum of the cells right below it" (areas by prefix, categories to their total)
until nothing moves; then every hidden cell is asked of scipy's linear programme over the same equations. Tables come in
as JSON (a list of lists of [area, category, n]), the number of narrowed cells by each route goes out.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

Name = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A released row: the category "" is the total, n None where it is hidden."""

    area: str
    category: str
    n: int | None


@dataclass(frozen=True)
class Narrowed:
    """Hidden cells that were narrowed too far, by each route."""

    by_bounds: frozenset[Name]
    by_programme: frozenset[Name]


class Attack:
    """One table of one month."""

    def __init__(self, rows: list[Row]) -> None:
        self.low: dict[Name, float] = {(row.area, row.category): row.n or 0.0 for row in rows}
        self.high: dict[Name, float] = {(row.area, row.category): inf if row.n is None else row.n for row in rows}
        self.hidden = [(row.area, row.category) for row in rows if row.n is None]
        self.sums = list(_sums(sorted(self.low)))

    def narrowed(self, smallest: int) -> Narrowed:
        """The hidden cells whose interval is shorter than `smallest`."""
        self._push()
        by_bounds = {name for name in self.hidden if self.high[name] - self.low[name] < smallest}
        return Narrowed(frozenset(by_bounds), frozenset(self._programme(smallest)))

    def _push(self) -> None:
        moved = True
        while moved:
            moved = False
            for whole, parts in self.sums:
                moved |= self._tighten(whole, sum(map(self.low.get, parts)), sum(map(self.high.get, parts)))  # type: ignore[arg-type]
                for part in parts:
                    others = [one for one in parts if one != part]
                    least = self.low[whole] - sum(self.high[one] for one in others)
                    most = self.high[whole] - sum(self.low[one] for one in others)
                    moved |= self._tighten(part, least, most)

    def _tighten(self, name: Name, least: float, most: float) -> bool:
        low, high = max(self.low[name], least), min(self.high[name], most)
        changed = low > self.low[name] + 1e-9 or high < self.high[name] - 1e-9
        self.low[name], self.high[name] = low, high
        return changed

    def _programme(self, smallest: int) -> Iterator[Name]:
        # scipy stands in the bench's own environment, where this file is run.
        import numpy as np
        from scipy.optimize import linprog

        names = sorted(self.low)
        place = {name: number for number, name in enumerate(names)}
        equations = np.zeros((len(self.sums), len(names)))
        for row, (whole, parts) in enumerate(self.sums):
            equations[row, place[whole]] = -1.0
            equations[row, [place[part] for part in parts]] = 1.0
        limits = [(self.low[n], None if self.high[n] == inf else self.high[n]) for n in names]
        for name in self.hidden:
            cost = np.zeros(len(names))
            cost[place[name]] = 1.0
            ends = [
                linprog(sign * cost, A_eq=equations, b_eq=np.zeros(len(self.sums)), bounds=limits) for sign in (1, -1)
            ]
            if all(end.status == 0 for end in ends) and -ends[1].fun - ends[0].fun < smallest - 1e-6:
                yield name


def _sums(names: list[Name]) -> Iterator[tuple[Name, list[Name]]]:
    """Every cell that is the sum of others: an area of the areas right below it, a total of its categories."""
    known = set(names)
    areas = sorted({area for area, _ in names})
    children: dict[str, list[str]] = defaultdict(list)
    for area in areas:
        above = [one for one in areas if one != area and area.startswith(one)]
        if above:
            children[max(above, key=len)].append(area)
    for area, category in names:
        parts = [(child, category) for child in children[area] if (child, category) in known]
        if parts:
            yield (area, category), parts
        if category == "":
            kinds = [name for name in names if name[0] == area and name[1]]
            if kinds:
                yield (area, ""), kinds


def main() -> None:
    """Attack the tables of standard input."""
    results = [Attack([Row(*row) for row in table]).narrowed(int(sys.argv[1])) for table in json.load(sys.stdin)]
    both = {"bounds": sum(len(one.by_bounds) for one in results), "all": 0}
    both["all"] = sum(len(one.by_bounds | one.by_programme) for one in results)
    print(json.dumps(both))


if __name__ == "__main__":
    main()
