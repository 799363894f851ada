"""Plans over HTTP: `states.py` lists, opens, submits and publishes them, `edits.py` changes a draft, `repairs.py` mends
one, `blocks.py` is what a brush paints, `dividing.py` asks for a division by households, `papers.py` holds what goes
with plans: certificates, successors, handover lists."""

from fastapi import APIRouter

from gis_api.routes.plans import blocks, dividing, edits, live, papers, repairs, states, topology

router = APIRouter()
router.include_router(states.router)
router.include_router(edits.router)
router.include_router(repairs.router)
router.include_router(dividing.router)
router.include_router(live.router)
router.include_router(blocks.router)
router.include_router(topology.router)
router.include_router(papers.router)

__all__ = ["router"]
