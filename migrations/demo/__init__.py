"""The demo district: a town made by code from a seed number, its people and a year of their work.

`town.make_town(seed)` is pure and gives the ground; `load.load_demo` writes it, with people and happenings relative
to now, into an empty database. Codes and names of the district's units are real, everything else is invented.
"""
