"""Plans in the making: drafts, edits, reports, publication ([P1]-[P5], [S7], [S8], [S10]).

    plan = create(session, "130273", based_on="published", by=planner)
    edited = edit(session, plan.id, Split(code=..., line=...), version=plan.version, by=planner)
    submit(session, plan.id, version=edited.version, acknowledged=[...], by=planner)
    publish(session, plan.id, version=..., by=reviewer)

`board.py` is a draft on the table, `desk.py` keeps it in memory between requests, `sheet.py` its report, `steps.py` one
step of its history, `ledger.py` the books in which every change stands; `loading.py` is the way from and to the
database.
"""

from layers.planning.carrying import Below, Carried, LeftOut, left_out
from layers.planning.certificates import certificate_of, find_faults
from layers.planning.charting import Chart, Outline, chart_of
from layers.planning.differences import Against, difference_of
from layers.planning.drafting import BasedOn, ImportedGrid, create, import_draft, import_over
from layers.planning.editing import Edited, edit, redo, undo
from layers.planning.handover import Handover, handover_of
from layers.planning.lifecycle import archive, report_of, return_, submit, withdraw
from layers.planning.publishing import publish, settle
from layers.planning.rebasing import preview_rebase, rebase, tick_redone
from layers.planning.repairing import propose_repair, repair
from layers.planning.replaying import replay
from layers.planning.showing import features_of, list_features, plan_as_json, plans_as_json
from layers.planning.since import News, Standing, list_standings, news_since, read_news
from layers.planning.succession import decide, successors_as_json
from layers.planning.topology import topology_of

__all__ = [
    "Against",
    "BasedOn",
    "Below",
    "Carried",
    "Chart",
    "Edited",
    "Handover",
    "ImportedGrid",
    "LeftOut",
    "News",
    "Outline",
    "Standing",
    "archive",
    "certificate_of",
    "chart_of",
    "create",
    "decide",
    "difference_of",
    "edit",
    "features_of",
    "find_faults",
    "handover_of",
    "import_draft",
    "import_over",
    "left_out",
    "list_features",
    "list_standings",
    "news_since",
    "plan_as_json",
    "plans_as_json",
    "preview_rebase",
    "propose_repair",
    "publish",
    "read_news",
    "rebase",
    "redo",
    "repair",
    "replay",
    "report_of",
    "return_",
    "settle",
    "submit",
    "successors_as_json",
    "tick_redone",
    "topology_of",
    "undo",
    "withdraw",
]
