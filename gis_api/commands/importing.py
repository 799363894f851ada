"""wangge import, check, publish, agree: real data in, and the proof that it is right."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperArgument, TyperCommand

from gis_api.commands.database import open_database
from gis_api.commands.showing import show_agreement, show_check, show_report, words_of
from gis_api.commands.speaking import kind_of, say, words_of_work
from gis_api.commands.standards import LAYER as STANDARDS
from gis_api.commands.standards import import_standards

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from layers.access import Actor
    from layers.importing import ImportOptions, ImportReport


class ImportCommand(TyperCommand):
    """`wangge import`: its help names the layers, and only then are they loaded."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        from layers.registry import IMPORTED

        for parameter in self.params:
            if isinstance(parameter, TyperArgument) and parameter.name == "layer":
                parameter.help = " ".join([*IMPORTED, STANDARDS])
        super().format_help(ctx, formatter)


Crs = Annotated[str | None, typer.Option(help="The file's CRS, such as EPSG:2232.")]
Datum = Annotated[str | None, typer.Option(help="The file's datum: wgs84 cgcs2000 gcj02 bd09.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", help="Which table of a file with several; repeat it, or give `*`, to read several as one."),
]
Encoding = Annotated[str | None, typer.Option(help="The encoding of the texts, where the file does not show it.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("import", cls=ImportCommand)(import_file)
    app.command()(check)
    app.command()(publish)
    app.command()(agree)


def import_file(
    layer: Annotated[str, typer.Argument(help="Which layer.")],
    file: Annotated[
        Path, typer.Argument(help="GPKG, GeoJSON, FlatGeobuf, KML, DXF, zipped shapefile, Parquet, CSV(.gz), XLSX.")
    ],
    crs: Crs = None,
    datum: Datum = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="May be repeated.")] = None,
    district: Annotated[str | None, typer.Option(help="The code of the district.")] = None,
    level: Annotated[str | None, typer.Option(help="areas: district, subdistrict or community.")] = None,
    frame: Annotated[str | None, typer.Option(help="grids: a file, or `union` of the layer's own polygons.")] = None,
    sub_grids: Annotated[
        Literal["keep", "none"] | None,
        typer.Option(
            help="grids: what becomes of sub-grids and overlays in force that the file does not hold; asked at a "
            "terminal, else they are left out, and the report says so."
        ),
    ] = None,
    tz: Annotated[str | None, typer.Option(help="For times without an offset, such as Asia/Shanghai.")] = None,
    table: Tables = None,
    encoding: Encoding = None,
    source: Annotated[str | None, typer.Option(help="What scopes the file's ids; default its name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything and take it back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a file into a layer; grids become draft plans, never published ones.

    Exit status 1 where every row was refused: most likely it was the wrong file, layer or mapping.
    """
    if layer == STANDARDS:
        import_standards(file, dry_run=dry_run, as_json=as_json)
        return
    from layers.importing import ImportOptions, report_as_json
    from layers.importing.drafts import DRAFT_IS_PART

    options = ImportOptions(
        crs=crs,
        datum=datum,
        table=_join_tables(table),
        encoding=encoding,
        mapping=_pairs([*(mapping or [])]),
        district=district,
        level=level,
        frame=frame,
        sub_grids=sub_grids or ("ask" if sys.stdin.isatty() else "none"),
        tz=tz,
        source=source,
        dry_run=dry_run,
    )
    with open_database() as engine:
        report = _ask_and_import(engine, layer, file, options)
    if as_json:
        print(json.dumps(report_as_json(report), ensure_ascii=False, indent=1))
    else:
        show_report(report)
    part = any(note.code == DRAFT_IS_PART for note in report.notes)
    if part or (report.refused and not report.stored):
        raise typer.Exit(1)


def check(
    file: Annotated[Path, typer.Argument(help="Any file with polygons.")],
    crs: Crs = None,
    datum: Datum = None,
    frame: Annotated[Path | None, typer.Option(help="What the polygons should cover exactly.")] = None,
    code: Annotated[str | None, typer.Option(help="The column with the codes.")] = None,
    parts_allowed: Annotated[bool, typer.Option("--parts-allowed", help="Several parts are meant.")] = False,
    table: Tables = None,
    encoding: Encoding = None,
    certificate: Annotated[
        Path | None, typer.Option(help="A plan's certificate (JSON): do these grids, from GET …/grids, belong to it?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report the defects of a file's polygons, without a database; exit status 1 when there are any."""
    from layers.importing import ImportOptions

    if certificate is not None:
        _hold_against(file, certificate)
    mapping = {} if code is None else {code: "code"}
    options = ImportOptions(crs=crs, datum=datum, table=_join_tables(table), encoding=encoding, mapping=mapping)
    report = _check_file(file, options, frame=frame, parts=parts_allowed)
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        show_check(file, report)
    if report["defects"] or report["refused"] or report["repeated"] or report["lost"]:
        raise typer.Exit(1)


def _hold_against(file: Path, certificate: Path) -> None:
    """Say whether a file of grids is what was certified; exit status 1 where it is not."""
    from layers.errors import Unacceptable
    from layers.planning import find_faults

    try:
        told, grids = (json.loads(path.read_text(encoding="utf-8")) for path in (certificate, file))
        faults = find_faults(told, grids)
    except (ValueError, AttributeError, Unacceptable) as wrong:
        print(say("cannot be compared: {reason}", reason=wrong))
        raise typer.Exit(2) from wrong
    for fault in faults:
        certificate_is_it = fault == "sha256"
        told_as = "{fault} does not hold: the grids was changed"
        print(say("{fault} does not hold: the certificate was changed" if certificate_is_it else told_as, fault=fault))
    if faults:
        raise typer.Exit(1)
    print(say("the grids are those of the certificate: {sha}", sha=told["rows_sha256"]))


def publish(
    plan: Annotated[int, typer.Argument(help="The number of the draft or submitted plan.")],
    effective_at: Annotated[
        str | None, typer.Option(help="When it comes into force, with offset; default now.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="A signed-in person's name instead of the operator.")] = None,
) -> None:
    """Submit a draft (its warnings acknowledged and listed) and publish it, as the operator of this machine.

    Refused while the plan has errors, and for a person who edited it.
    """
    moment = None if effective_at is None else _moment(effective_at)
    with open_database() as engine:
        warnings = _submit(engine, plan, by=by)
        district, plan_version, certificate = _publish(engine, plan, effective_at=moment, by=by)
    words = "plan {plan} of {district} is published as version {version}"
    print(say(words, plan=plan, district=district, version=plan_version))
    for kind, number in warnings.items():
        print("  " + say("warning acknowledged: {kind} {number}", kind=kind_of(kind), number=number))
    print("  " + say("certificate SHA-256 {sha}", sha=certificate))


def agree(
    file: Annotated[Path, typer.Argument(help="A file of points that state their grid.")],
    column: Annotated[str, typer.Option(help="The column that states it.")],
    district: Annotated[str, typer.Option(help="The district whose plan in force is asked.")],
    pattern: Annotated[str, typer.Option(help=r"What a statement looks like: 'Precinct (\d+)'.")] = "(.+)",
    grid: Annotated[str, typer.Option(help=r"The grid's id in it: '1\1' makes 111 of 11.")] = r"\1",
    crs: Crs = None,
    datum: Datum = None,
) -> None:
    """Compare the grid that each point lies in with the one that the file states; every miss is listed in metres."""
    from layers.importing import ImportOptions, StatedAs, compare_stated

    stated_as = StatedAs(district=district, pattern=pattern, grid=grid)
    with open_database() as engine, _session(engine) as session:
        options = ImportOptions(crs=crs, datum=datum)
        result = compare_stated(
            session, file, column=column, stated_as=stated_as, options=options, by=_operator("agree")
        )
    show_agreement(result)


def _moment(text: str) -> datetime:
    from layers.moments import WrongMoment, read_moment

    try:
        return read_moment(text)
    except WrongMoment as wrong:
        raise typer.BadParameter(
            say(
                "give a time of 1970 to 2100 with its offset, such as 2026-11-01T00:00:00+08:00, not {given}",
                given=repr(text),
            )
        ) from wrong


def _join_tables(tables: Sequence[str] | None) -> str | None:
    return "\n".join(tables) if tables else None


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        column, mark, field = text.rpartition("=")
        if not mark or not column or not field:
            raise typer.BadParameter(say("--map takes file_column=field, not {given}", given=repr(text)))
        pairs[column] = field
    return pairs


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    from layers.db import transaction

    with transaction(engine) as session:
        yield session


def _operator(what: str) -> Actor:
    from layers.access import service_actor

    return service_actor(f"wangge {what}")


def _ask_and_import(engine: Engine, layer: str, file: Path, options: ImportOptions) -> ImportReport:
    """The report; at a terminal the person is asked about sub-grids and overlays that the file does not hold."""
    from layers.errors import Unacceptable

    try:
        return _import_file(engine, layer, file, options)
    except Unacceptable as refused:
        if refused.code != "sub_grids_unsaid":
            raise
        question = words_of("sub_grids_asked", refused.details)
    keep = typer.confirm(question, default=True)
    return _import_file(engine, layer, file, replace(options, sub_grids="keep" if keep else "none"))


def _import_file(engine: Engine, layer: str, file: Path, options: ImportOptions) -> ImportReport:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from layers.importing import import_layer

    percent = TextColumn("{task.percentage:>3.0f}%")
    columns = (TextColumn("{task.description}"), BarColumn(), percent, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, _session(engine) as session:
        task = progress.add_task(layer, total=1.0)

        def tell(words: str, share: float) -> None:
            progress.update(task, description=f"{layer}: {words_of_work(words)}", completed=share)

        return import_layer(session, layer, file=file, options=options, progress=tell, by=_operator("import"))


def _check_file(file: Path, options: ImportOptions, *, frame: Path | None, parts: bool) -> dict[str, Any]:
    from layers.checking import CheckTask
    from layers.checking import check as check_task
    from layers.importing import read_frame, read_polygons
    from layers.importing.report import describe_refused, notes_json

    rows = read_polygons(file, options)
    task = CheckTask(
        codes=rows.codes,
        polygons=rows.polygons,
        frame=None if frame is None else read_frame(frame, crs=options.crs, datum=options.datum),
        parts_allowed=rows.codes if parts else (),
        parents=rows.naming.parents,
    )
    naming = rows.naming
    told = {"repeated": dict(naming.repeated), "lost": dict(naming.lost), "notes": notes_json(rows.notes)}
    report = check_task(task)
    return {**report, "ok": report["ok"] and naming.is_sound, **describe_refused(rows.refused), **told}


def _submit(engine: Engine, plan_id: int, *, by: str | None) -> dict[str, int]:
    """The warnings that were acknowledged, by kind; a plan that is submitted already stays as it is."""
    from collections import Counter

    from layers import planning
    from layers.plans import PlanState, get_plan

    drafts = planning.DraftMemory()
    with _session(engine) as session:
        actor = _actor(session, by, "submit")
        plan = get_plan(session, plan_id, by=actor)
        report = planning.report_of(session, drafts, plan_id, by=actor)
        warnings = Counter(d["kind"] for d in report["defects"] if d["severity"] == "warning")
        if plan.state == PlanState.draft:
            # Whether every grid has a worker is looked after once there are workers.
            known = [*sorted(warnings), "unserved_grid"]
            planning.submit(session, drafts, plan_id, version=plan.version, acknowledged=known, by=_operator("submit"))
        return dict(sorted(warnings.items()))


def _publish(engine: Engine, plan_id: int, *, effective_at: Any, by: str | None) -> tuple[str, int, str]:
    from layers import planning
    from layers.plans import get_plan

    with _session(engine) as session:
        actor = _actor(session, by, "publish")
        version = get_plan(session, plan_id, by=actor).version
        plan = planning.publish(session, plan_id, version=version, effective_at=effective_at, by=actor)
        assert plan.plan_version is not None and plan.certificate is not None, "publishing numbers and certifies"
        return plan.district, plan.plan_version, str(plan.certificate["sha256"])


def _actor(session: Session, name: str | None, what: str) -> Actor:
    from layers.access import User, actor_of

    if name is None:
        return _operator(what)
    user = session.get(User, name)
    if user is None or user.role not in ("planner", "admin"):
        raise typer.BadParameter(say("{name} is no planner or administrator of this service", name=name))
    return actor_of(user)
