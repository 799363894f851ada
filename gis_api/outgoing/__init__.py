"""Telling other systems what happened, by signed POST requests to addresses that may be reached ([D12]).

`addresses.py` says which addresses those are, `posting.py` makes one request, `sending.py` is the thread of the job
process that carries out what is due.
"""

from gis_api.outgoing.addresses import require_reachable
from gis_api.outgoing.sending import Sending

__all__ = ["Sending", "require_reachable"]
