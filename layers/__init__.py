"""What is true of the city: what is stored, and the few verbs that change it. No web, no environment.

Nouns are stored, gerunds act, the rest are views and pure rules. Verbs get a session and never commit; who acts comes
last (`by`), and a verb asks for the area itself.

| layer | tables | written by | what always holds |
|---|---|---|---|
| areas | areas | importing | one parent above, none above a district; valid rings; a district names its city's CRS |
| plans | plans, plan_areas, plan_edits, code_lineage, publications | planning | one in force per district, moment |
| chronicle | plan_events | planning | one line for each version of a plan after the first |
| grids | grids | planning, importing | MultiPolygon 4326 on the city's lattice; valid unless marked imperfect |
| buildings | buildings, compounds | importing | valid footprint; `inner_point` says which grid it belongs to |
| households | personal.households | importing | personal: nobody but counting views reads them |
| ground | roads, water, parks | importing | the quiet ground of the map |
| | components | importing | a code of 16 digits that begins with its district |
| categories, units | categories, category_clocks, units | categories | one clock per category, level and step |
| calendars | calendar_years | calendars | revisions of a year, numbered; the last one counts |
| standards | standards, standard_sub_classes, standard_conditions | standards | a version never changes |
| hazards | hazards | importing | the grid is stored at ingest; `current_code` follows the boundaries |
| workers | workers | workers, importing | one staff number each |
| assignments | assignments | assignments, planning | the same charge never twice at one moment |
| successors | plan_successors | planning | who shall serve a grid from the day of a plan; dated with its publication |
| shifts | shifts, shift_templates, shift_exceptions | shifts, importing | half-open; one statement says who |
| | cover_minimums | shifts | how many people an area takes at least |
| positions | positions | positions | the newest fix by fix time; none that speaks another datum than it states |
| | personal.track_points | positions | personal: a worker's track, read by that worker alone |
| devices | personal.devices | importing | personal: a device tells of an elder living alone |
| dispatch_settings | dispatch_settings | dispatching | every version is kept |
| incidents | incidents, incident_steps, decisions | dispatching | a waiting one has a reason; the timeline only grows |
| | idempotency_keys, personal.reporters | dispatching | one answer per client's key; reporters are personal |
| access | users, keys, sign_ins | access | only hashes of passwords, keys and tokens |
| releases | releases, release_rows | releases | append-only; nothing under 11, and nothing that gives it away |
| history | history | every verb | append-only, chained by one sealer |
| jobs | jobs, job_papers, uploads | doors, the working process | one open job of a kind a person, ended with its work |

Acting: planning (drafts, edits, publishing), dividing (proposals of grids), dispatching (from a report to a worker on
the way), importing. Reading: locating (the index in memory), candidates and dispatch_rules (who is near), heat, tiles,
evaluation (how areas and people do), published, checking. Ranks of imports stand in pyproject.toml.
"""
