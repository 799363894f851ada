"""Plans in the making: drafts, edits, reports, publication ([P1]-[P5], [S7], [S8], [S10]).

    drafts = DraftMemory()
    plan = create(session, "130273", based_on="published", by=planner)
    edited = edit(session, drafts, plan.id, Split(code=..., line=...), version=plan.version, by=planner)
    submit(session, drafts, plan.id, version=edited.version, acknowledged=[...], by=planner)
    publish(session, plan.id, version=..., by=reviewer)

Its wings, each importing only from those under it:

    life        a draft is made, submitted, published; the certificate; what lies on the ground follows it
    comparison  what differs between two plans, who serves what next, what changes hands
    edits       one operation drawn, checked, written to the ledger; undo, repair, rebase
    memory      open drafts kept by a process between requests
    report      what is wrong with a draft's shapes and buildings, kept up edit by edit
    views       plans and grids as pages and papers take them
    state       the board of a draft, codes, the rows of a change, the way from and to the database
"""

from layers.planning.comparison.differences import Against, difference_of
from layers.planning.comparison.handover import Handover, build_handover
from layers.planning.comparison.replaying import replay
from layers.planning.comparison.succession import decide, successors_as_json
from layers.planning.edits.editing import Edited, edit, redo, undo
from layers.planning.edits.rebasing import preview_rebase, rebase, tick_redone
from layers.planning.edits.repairing import propose_repair, repair
from layers.planning.life.carrying import Below, Carried, LeftOut, find_left_out
from layers.planning.life.certificates import certificate_of, find_faults
from layers.planning.life.drafting import BasedOn, Frame, ImportedGrid, create, import_draft, import_over
from layers.planning.life.framing import FrameOfGrids, frames_around
from layers.planning.life.lifecycle import archive, report_of, return_, submit, withdraw
from layers.planning.life.publishing import publish, settle
from layers.planning.memory.draft_cache import DraftMemory
from layers.planning.views.changes_since import News, Standing, list_standings, news_since, read_news
from layers.planning.views.charting import Outline, PlanChart, chart_of
from layers.planning.views.showing import features_of, list_features, plan_as_json, plans_as_json
from layers.planning.views.topology import topology_of

__all__ = [
    "Against",
    "BasedOn",
    "Below",
    "Carried",
    "DraftMemory",
    "Edited",
    "Frame",
    "FrameOfGrids",
    "Handover",
    "ImportedGrid",
    "LeftOut",
    "News",
    "Outline",
    "PlanChart",
    "Standing",
    "archive",
    "build_handover",
    "certificate_of",
    "chart_of",
    "create",
    "decide",
    "difference_of",
    "edit",
    "features_of",
    "find_faults",
    "find_left_out",
    "frames_around",
    "import_draft",
    "import_over",
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
