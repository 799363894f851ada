"""Plans over HTTP: `states.py` lists, opens, submits and publishes them, `edits.py` changes a draft."""

from fastapi import APIRouter

from gis_api.routes.plans import edits, states

router = APIRouter()
router.include_router(states.router)
router.include_router(edits.router)

__all__ = ["router"]
