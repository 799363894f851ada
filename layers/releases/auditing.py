"""What somebody who knows every released row can find out of a hidden cell: a linear programme, twice a cell ([A3]).

The programme knows nothing of how the cells were chosen: equations of the public cells, no atom below zero, and the
least and the largest value of the hidden sum. Rows of other months are about other cases and add no equation; those
under other borders stand among the family's `known` cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import highspy
import numpy as np

from layers.releases.family import Family, FamilyCell, Key
from layers.smallest_count import SMALLEST

# The simplex works with floats to about 1e-7; counts are whole.
SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Interval:
    """What can be said of a cell; `pinned_by` are the public cells that the tighter programme leans on."""

    least: float
    largest: float
    pinned_by: tuple[Key, ...]

    @property
    def narrow(self) -> bool:
        """Whether it says too much."""
        return self.largest - self.least < SMALLEST - SLACK


class Auditor:
    """The programme over what is public; each question changes its objective only, so that it starts where the last
    one ended."""

    def __init__(self, family: Family, shown: frozenset[Key]) -> None:
        self._public = family.list_public(shown)
        self._atoms = family.atoms
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        self._solver.setOptionValue("output_flag", False)
        self._solver.passModel(_model_of(family.atoms, self._public))
        self._priced: tuple[int, ...] = ()

    def interval(self, cell: FamilyCell) -> Interval:
        """The least and the largest value that the hidden cell can have."""
        self._price(cell)
        least, _ = self._solve(highspy.ObjSense.kMinimize)
        largest, largest_by = self._solve(highspy.ObjSense.kMaximize)
        return Interval(least, largest, tuple(self._public[row].key for row in largest_by))

    def _price(self, cell: FamilyCell) -> None:
        """Let the objective be this cell's sum."""
        for atom in self._priced:
            self._solver.changeColCost(atom, 0.0)
        for atom in cell.atoms:
            self._solver.changeColCost(atom, 1.0)
        self._priced = cell.atoms

    def _solve(self, sense: highspy.ObjSense) -> tuple[float, list[int]]:
        self._solver.changeObjectiveSense(sense)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            duals = self._solver.getSolution().row_dual
            value = float(self._solver.getInfo().objective_function_value)
            return value, [row for row, dual in enumerate(duals) if abs(dual) > SLACK]
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return inf, []
        raise ArithmeticError(f"the programme of an audit ended as {status}")


def find_narrow(family: Family, shown: frozenset[Key]) -> dict[Key, Interval]:
    """Every hidden cell that somebody could narrow too far, with its interval; empty when the release may go out."""
    auditor = Auditor(family, shown)
    intervals = {cell.key: auditor.interval(cell) for cell in family.list_hidden(shown)}
    return {key: interval for key, interval in intervals.items() if interval.narrow}


def is_safe(family: Family, shown: frozenset[Key], *, beside: FamilyCell) -> bool:
    """Whether nobody could narrow a hidden cell too far; those that share ground with `beside` are tried first."""
    auditor = Auditor(family, shown)
    near = set(beside.atoms)
    hidden = sorted(family.list_hidden(shown), key=lambda cell: (-len(near & set(cell.atoms)), len(cell.atoms)))
    return not any(auditor.interval(cell).narrow for cell in hidden)


def _model_of(atoms: int, public: list[FamilyCell]) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = atoms, len(public)
    model.col_cost_ = np.zeros(atoms)
    model.col_lower_ = np.zeros(atoms)
    model.col_upper_ = np.full(atoms, highspy.kHighsInf)
    model.row_lower_ = model.row_upper_ = np.array([cell.n for cell in public], dtype=np.float64)
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.start_ = np.cumsum([0, *(len(cell.atoms) for cell in public)])
    matrix.index_ = np.array([atom for cell in public for atom in cell.atoms], dtype=np.int32)
    matrix.value_ = np.ones(len(matrix.index_))
    return model
