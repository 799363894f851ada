"""Heat and figures: counts on the server, never points ([A3]).

Cells are grids, sub-grids, communities, subdistricts or squares. Counts follow the boundaries (`current_code`, [P5]).
Categories derived from residents are counted by calendar weeks or months, for communities and above, never under 11.
"""

from layers.heat.cells import CELLS, PERS, Cell, HeatQuestion, count_cells
from layers.heat.figures import AreaFigures, Figures, read_figures
from layers.heat.privacy import SMALLEST_COUNT, suppress

__all__ = [
    "CELLS",
    "PERS",
    "SMALLEST_COUNT",
    "AreaFigures",
    "Cell",
    "Figures",
    "HeatQuestion",
    "count_cells",
    "read_figures",
    "suppress",
]
