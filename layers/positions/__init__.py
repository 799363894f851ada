"""Where workers are and were: the newest fix of each ([D2]), and the tracks of their days, which only they see.

add_fixes(session, fixes, now=now, by=by)                    ingest of a batch: stored, late, flagged or refused
read_track(session, worker_id, span=(since, until))          one worker's own track
thin_tracks(session, now=now)                                what the job process does with the tracks
"""

from layers.positions.storing import Fix, Stored, add_fixes
from layers.positions.table import Position, TrackPoint
from layers.positions.tracks import Footprint, forget_tracks, length_of, read_track, thin_tracks

__all__ = [
    "Fix",
    "Footprint",
    "Position",
    "Stored",
    "TrackPoint",
    "add_fixes",
    "forget_tracks",
    "length_of",
    "read_track",
    "thin_tracks",
]
