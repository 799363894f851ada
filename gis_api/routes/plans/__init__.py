"""Plans over HTTP: `states.py` lists, opens, submits and publishes them, `edits.py` changes a draft, `repairs.py` mends
one, `blocks.py` is what a brush paints, `dividing.py` asks for a division by households, `papers.py` holds what goes
with plans: certificates, successors, handover lists."""

from gis_api.routes.plans import blocks, dividing, edits, live, papers, repairs, states, topology

ROUTERS = (
    states.router,
    edits.router,
    repairs.router,
    dividing.router,
    live.router,
    blocks.router,
    topology.router,
    papers.router,
)

__all__ = ["ROUTERS"]
