"""Heat and figures: counts on the server, never points ([A3]).

Cells are grids, sub-grids, communities, subdistricts or squares. Counts follow the boundaries (`current_code`, [P5]).
What is counted is kept by each process (`memory.py`): a period is a slice of arrays, and no table is read for it.
Categories derived from residents are never counted here: they are released, month by month (`layers.releases`).
"""

from layers.heat.cells import CELLS, PERS, Cell, HeatQuestion, count_cells, is_resident_derived
from layers.heat.figures import AreaFigures, Figures, Panel, read_figures, read_panel
from layers.heat.memory import HeatMemory, find_columns
from layers.heat.spots import HeatSpot, HeatSpots, find_spots

__all__ = [
    "CELLS",
    "PERS",
    "AreaFigures",
    "Cell",
    "Figures",
    "HeatMemory",
    "HeatQuestion",
    "HeatSpot",
    "HeatSpots",
    "Panel",
    "count_cells",
    "find_columns",
    "find_spots",
    "is_resident_derived",
    "read_figures",
    "read_panel",
]
