"""What import, check and agree print: counts, remarks, refused rows, defects, misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_api.commands.speaking import kind_of, say

if TYPE_CHECKING:
    from rich.table import Table

    from layers.importing import Agreement, ImportReport

# So many refused rows are listed one by one; --json lists them all.
MOST_ROWS = 20
MOST_PLACES = 200
# What is said once for many names some of them.
MOST_NAMED = 5


def show_report(report: ImportReport) -> None:
    """Print counts, remarks, and what was refused and why."""
    from gis_api.job_json import reason_of
    from gis_api.settings import command_language
    from layers.importing import report_as_json

    print(say("dry run: nothing was stored") if report.dry_run else say("{layer} imported", layer=report.layer))
    before = say("{count} were there before", count=f"{report.changed:,}") if report.changed else ""
    print(f"  {say('read'):<7} {report.read:>9,}")
    print(f"  {say('stored'):<7} {report.stored:>9,}" + (f"  ({before})" if before else ""))
    print(f"  {say('refused'):<7} {len(report.refused):>9,}")
    told = report_as_json(report, most_refused=MOST_ROWS)
    show_notes(told["notes"])
    if report.refused:
        show_refused(told["refused"])
        lang = command_language()
        print(
            "  "
            + ", ".join(f"{reason_of(reason, lang)}: {number:,}" for reason, number in report.count_by_reason().items())
        )


def show_notes(notes: Sequence[Mapping[str, Any]]) -> None:
    """Print remarks, a line each."""
    for note in notes:
        print(f"  {words_of(note['code'], {name: value for name, value in note.items() if name != 'code'})}")


def show_refused(refused: Sequence[Mapping[str, Any]]) -> None:
    """Print the first refused rows with the reader's own reason and their places."""
    from rich.table import Table

    from gis_api.job_json import detail_of, reason_of
    from gis_api.settings import command_language

    lang = command_language()
    table = Table(say("row"), say("reason"), say("detail"), say("place"))
    for one in refused[:MOST_ROWS]:
        detail = detail_of(one["reason"], one["detail"], lang)
        table.add_row(str(one["row"]), reason_of(one["reason"], lang), detail, _place(one["where"]))
    _print_table(table)


def words_of(code: str, values: Mapping[str, Any]) -> str:
    """A remark or reason in words; its code and values where there are none."""
    from gis_api.job_json import name_kinds
    from gis_api.settings import command_language
    from gis_api.texts import find_typed_key, has, text

    key, lang = find_typed_key(f"importing.{code}"), command_language()
    if has(key):
        return text(key, lang, **name_kinds(values, lang))
    return " ".join([code.replace("_", " "), *(f"{name}={value}" for name, value in values.items())])


def show_check(file: Path, report: Mapping[str, Any]) -> None:
    """Print the defects of a file, one line each, and their number by kind."""
    from rich.table import Table

    summary = report["summary"]
    words, area = "{file}: {grids} grids, {area} km² (EPSG:{epsg})", f"{summary['area_m2'] / 1e6:,.3f}"
    print(say(words, file=file.name, grids=summary["grids"], area=area, epsg=report["epsg"]))
    show_notes(report["notes"])
    if report["refused"]:
        print("  " + say("{count} rows cannot be used:", count=f"{len(report['refused']):,}"))
        show_refused(report["refused"])
    show_naming(report)
    if not report["defects"]:
        sound = report["ok"] and not report["refused"]
        print("  " + (say("no defects: a valid coverage") if sound else say("no defects")))
        return
    heads = [say("kind"), say("class"), say("codes"), say("area m²"), say("length m"), say("width m"), say("place")]
    table = Table(*heads)
    for defect in report["defects"][:MOST_PLACES]:
        figures = (f"{defect['area_m2']:,.3f}", f"{defect['length_m']:,.2f}", f"{defect['width_m']:,.3f}")
        table.add_row(
            kind_of(defect["kind"]),
            say(defect["class"] or ""),
            " ".join(defect["codes"][:4]),
            *figures,
            _place(defect["where"]),
        )
    _print_table(table)
    if len(report["defects"]) > MOST_PLACES:
        more = len(report["defects"]) - MOST_PLACES
        print("  " + say("and {count} more (--json lists them all)", count=more))
    print("  " + ", ".join(f"{kind_of(kind)}: {number}" for kind, number in sorted(summary["by_kind"].items())))


def show_naming(report: Mapping[str, Any]) -> None:
    """Print which codes stand on several rows and which sub-grids name a grid that is not there, a line each."""
    repeated, lost = report["repeated"], report["lost"]
    if repeated:
        rows = [f"{code} ({', '.join(map(str, at[:MOST_NAMED]))}{_count_unnamed(at)})" for code, at in repeated.items()]
        codes = ", ".join(rows[:MOST_NAMED]) + _count_unnamed(rows)
        print("  " + words_of("codes_repeated", {"count": len(repeated), "codes": codes}))
    if lost:
        pairs = [f"{code} → {grid or '-'}" for code, grid in lost.items()]
        codes = ", ".join(pairs[:MOST_NAMED]) + _count_unnamed(pairs)
        print("  " + words_of("parents_lost", {"count": len(lost), "codes": codes}))


def _count_unnamed(named: Sequence[Any]) -> str:
    return f" (+{len(named) - MOST_NAMED})" if len(named) > MOST_NAMED else ""


def _print_table(table: Table) -> None:
    from rich.console import Console

    # Into a file or a pipe there is no width to fit: cut figures help nobody.
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def _place(where: Mapping[str, Any] | None) -> str:
    if where is None:
        return ""
    position: Any = where["coordinates"]
    while isinstance(position[0], list):
        position = position[0]
    return f"{position[0]:.6f} {position[1]:.6f}"


def show_agreement(result: Agreement) -> None:
    """Print how many points lie in the grid that they state, and each that does not."""
    from rich.table import Table

    words = "{agreeing} of {stating} located rows that state a grid lie in it"
    print(say(words, agreeing=f"{result.agreeing:,}", stating=f"{result.stating:,}"))
    if not result.misses:
        return
    table = Table(say("row"), say("stated"), say("found"), say("distance to the border, m"), say("place"))
    for miss in result.misses:
        place = "{:.6f} {:.6f}".format(*miss.where.coords[0])
        table.add_row(str(miss.row), miss.stated, miss.found or "-", f"{miss.distance_m:,.3f}", place)
    _print_table(table)
