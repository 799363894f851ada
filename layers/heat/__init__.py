"""Heat and figures: counts on the server, never points ([A3]).

Cells are grids, sub-grids, communities, subdistricts or squares. Counts follow the boundaries (`current_code`, [P5]).
Categories derived from residents are never counted here: they are released, month by month (`layers.releases`).
"""

from layers.heat.cells import CELLS, PERS, Cell, HeatQuestion, count_cells, is_resident_derived
from layers.heat.figures import AreaFigures, Figures, read_figures

__all__ = [
    "CELLS",
    "PERS",
    "AreaFigures",
    "Cell",
    "Figures",
    "HeatQuestion",
    "count_cells",
    "is_resident_derived",
    "read_figures",
]
