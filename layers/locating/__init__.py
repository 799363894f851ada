"""Where a point lies in the city: the published plans in memory, and the one answer about a point ([L1]-[L7]).

    atlas = load_atlas(session, previous=atlas)      after each publication; districts that did not change are kept
    location = atlas.locate(lon, lat)                no database at this time
    arrays = atlas.locate_many(lons, lats)

`edition.py` is one published plan, `charges.py` who serves what, `atlas.py` all of it at every moment, `location.py`
the answer, `packing.py` the bytes from which a process starts while the database is away.
"""

from layers.locating.atlas import Atlas, Page, Rules, Term
from layers.locating.charges import ChargeIndex, HeldCharge
from layers.locating.edition import Edition, build_index, load_edition
from layers.locating.loading import load_atlas, versions
from layers.locating.location import Dedicated, GridName, Location, NearGrid, PathStep, Responsible, SubGridName
from layers.locating.packing import pack_atlas, pack_edition, unpack_atlas, unpack_edition

__all__ = [
    "Atlas",
    "ChargeIndex",
    "Dedicated",
    "Edition",
    "GridName",
    "HeldCharge",
    "Location",
    "NearGrid",
    "Page",
    "PathStep",
    "Responsible",
    "Rules",
    "SubGridName",
    "Term",
    "build_index",
    "load_atlas",
    "load_edition",
    "pack_atlas",
    "pack_edition",
    "unpack_atlas",
    "unpack_edition",
    "versions",
]
