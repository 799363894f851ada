"""The channels by which what is kept in memory learns that it is old.

A notice has no replay, so it only wakes; whoever keeps something compares the version it was made from with the present
one (that of the maps: `layers.map_version`).
"""

# Sent with the commit of what they tell of.
PUBLICATIONS = "wangge_publication"
ROSTERS = "wangge_roster"
PLANS = "wangge_plan"
