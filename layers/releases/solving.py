"""Which cells of a family are shown: none under 11, and enough others hidden that no hidden one is found out ([A3]).

Greedy: what is too small is hidden; as long as the auditor narrows a hidden cell too far, the smallest public cell that
its programme leans on is hidden as well. At last what was hidden in vain is shown again, the largest first. The answer
depends on the counts alone, so the same month is always solved the same way.
"""

from __future__ import annotations

from layers.releases.auditing import find_narrow, is_safe
from layers.releases.family import Family, FamilyCell, Key
from layers.smallest_count import SMALLEST


def choose_shown(family: Family) -> frozenset[Key]:
    """The keys of the cells that may be shown; empty where nothing can be without giving something away."""
    by_key = {cell.key: cell for cell in family.cells}
    shown = frozenset(key for key, cell in by_key.items() if cell.n >= SMALLEST)
    hidden_besides: list[FamilyCell] = []
    while shown and (narrow := find_narrow(family, shown)):
        pinning = [[by_key[key] for key in one.pinned_by if key in shown] for one in narrow.values()]
        # Where only what is public already pins a cell down, showing less of this month is all that is left.
        taken = {min(cells, key=_cost) for cells in pinning if cells} or {
            min((by_key[key] for key in shown), key=_cost)
        }
        hidden_besides += taken
        shown -= {cell.key for cell in taken}
    return _show_again(family, shown, hidden_besides)


def _cost(cell: FamilyCell) -> tuple[int, int, Key]:
    """What is lost by hiding a cell: a small count first, then one of little ground."""
    return cell.n, len(cell.atoms), cell.key


def _show_again(family: Family, shown: frozenset[Key], hidden: list[FamilyCell]) -> frozenset[Key]:
    """Show what need not have been hidden: the largest first, each tried by itself."""
    for cell in sorted(hidden, key=_cost, reverse=True):
        wider = shown | {cell.key}
        if is_safe(family, wider, beside=cell):
            shown = wider
    return shown
