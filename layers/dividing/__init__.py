"""Dividing the ground of a plan into grids ([S9]): what is asked, the ground, the proposals, and one of them applied.

    divide_plan(session, drafts, plan.id, Asked(area="130273001001", households=30), should_stop=…, progress=…,
                by=planner)

The search itself is `tiling.divide`; here are its place in a plan (`plan_ground.py`, `applying.py`), a proposal that is
applied after it was looked at (`keeping.py`), the replayed year (`forecasting.py`) and its words (`telling.py`).
"""

from layers.dividing.asking import WEIGHTS, DivisionAsked, list_profiles
from layers.dividing.keeping import apply_kept
from layers.dividing.proposing import divide_plan
from layers.dividing.telling import figures_as_json, grids_as_features, proposal_as_json, remarks_as_json

__all__ = [
    "WEIGHTS",
    "DivisionAsked",
    "apply_kept",
    "divide_plan",
    "figures_as_json",
    "grids_as_features",
    "list_profiles",
    "proposal_as_json",
    "remarks_as_json",
]
