"""Who is near: the workers of a district as seen from one place, from memory (`tests.nearest_statement`: by SQL).

    roster = Roster.load(session, now)                  a picture of the moment, held by every process
    standings = find_standings(roster, place, lon=…, lat=…, at=now)   facts for `dispatch_rules.rank`
    desk = roster.chart.find_desk(place, lon=…, lat=…)   the duty desk in charge
    content = pack_roster(roster, chart=pack_chart(roster.chart), more={})   for a start without database

Distances are metres in the city's CRS (by PROJ), rounded to whole millimetres:
ordering by degrees would name the wrong nearest worker in 10 % of cases at 39.6° N.
"""

from layers.candidates.chart import Chart, Desk
from layers.candidates.duties import list_known_on_duty
from layers.candidates.nearest import Ground, find_standings
from layers.candidates.packing import pack_chart, pack_roster, unpack_roster
from layers.candidates.roster import DistrictRoster, Roster, moment
from layers.candidates.roster_memory import Key, Picture, picture_of
from layers.candidates.whereabouts import Whereabouts, grids_by_number, list_whereabouts

__all__ = [
    "Chart",
    "Desk",
    "DistrictRoster",
    "Ground",
    "Key",
    "Picture",
    "Roster",
    "Whereabouts",
    "find_standings",
    "grids_by_number",
    "list_known_on_duty",
    "list_whereabouts",
    "moment",
    "pack_chart",
    "pack_roster",
    "picture_of",
    "unpack_roster",
]
