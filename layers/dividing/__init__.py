"""Dividing ground into grids: what a proposal looks like to others, and how a plan's ground is divided.

The search itself is `tiling.divide`; here are its words and its place in a plan.
"""

from layers.dividing.telling import figures_as_json, grids_as_features, proposal_as_json, remarks_as_json

__all__ = ["figures_as_json", "grids_as_features", "proposal_as_json", "remarks_as_json"]
