"""What each process keeps in memory, so that a lookup needs no database ([L7]): the atlas, the roster, the keys.

`following.py` keeps it up to date, `state.py` is what it looks like at one moment, `older_plans.py` holds older plans,
`cold_start.py` the file from which a process starts while PostgreSQL is away.
"""

from gis_api.replicas.following import Replicas
from gis_api.replicas.state import Age, Pulse, State

__all__ = ["Age", "Pulse", "Replicas", "State"]
