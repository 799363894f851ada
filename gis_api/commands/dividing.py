"""wangge divide: files in, a proposal of grids out; no database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_api.commands.speaking import say
from gis_api.division_words import refusal_in_words, remark_in_words, way_in_words
from gis_api.settings import command_language
from gis_api.texts import text

if TYPE_CHECKING:
    from tiling.divide import Proposal, Wishes

Roads = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Roads: borders follow them.")]
Water = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Water: borders follow it.")]
Today = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Today's grids, to be kept where they are good.")
]
Locked = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Grids that stay as they are.")]
Seeds = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Points that grids grow from.")]


def register(app: typer.Typer) -> None:
    """Add `wangge divide`."""
    app.command()(divide)


def divide(
    boundary: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The communities, a code each.")],
    buildings: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="households, floors, stairwells.")],
    out: Annotated[Path, typer.Option(help="Where to write the grids, as GeoJSON.")],
    households: Annotated[float, typer.Option(help="Households a grid.")] = 300.0,
    grids: Annotated[int | None, typer.Option(help="How many grids, instead of households a grid.")] = None,
    tolerance: Annotated[float, typer.Option(help="By what share a grid may differ.")] = 0.2,
    sub_households: Annotated[float | None, typer.Option(help="Divide each grid once more, to this many.")] = None,
    profile: Annotated[str, typer.Option(help="balanced even streets")] = "balanced",
    streets_only: Annotated[bool, typer.Option("--streets-only", help="Never open a block (patrol beats).")] = False,
    cut_stairwells: Annotated[bool, typer.Option("--cut-stairwells", help="Large buildings by stairwell.")] = False,
    empty_m2: Annotated[float, typer.Option(help="Empty blocks of this size are dedicated; 0: none.")] = 30_000.0,
    keep: Annotated[float, typer.Option(help="How dear it is to move a household from today's grid.")] = 1.0,
    roads: Roads = None,
    water: Water = None,
    today: Today = None,
    locked: Locked = None,
    seeds: Seeds = None,
    crs: Annotated[str | None, typer.Option(help="For files that state no CRS, such as EPSG:2232.")] = None,
    datum: Annotated[str | None, typer.Option(help="The files' datum: wgs84 cgcs2000 gcj02 bd09.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same grids.")] = 1,
    seconds: Annotated[float, typer.Option(help="Stop then, with the best so far; 0: as long as it takes.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures and remarks as JSON.")] = False,
) -> None:  # fmt: skip
    """Divide communities into grids by households: balanced, compact, along roads, no building cut."""
    from layers.dividing import grids_as_features, proposal_as_json
    from layers.importing import SiteFiles, read_site

    wishes = _wishes(
        profile, target=households, grids=grids, tolerance=tolerance, sub_target=sub_households,
        streets_only=streets_only, cut_stairwells=cut_stairwells, empty_m2=empty_m2, keep_today=keep if today else 0.0,
    )  # fmt: skip
    files = SiteFiles(
        boundary=boundary, buildings=buildings, roads=roads, water=water, today=today, locked=locked, seeds=seeds,
        crs=crs, datum=datum,
    )  # fmt: skip
    with _report_in_a_line():
        site, plane = read_site(files)
        made = _make_proposal(site, wishes, seed, seconds)
    features = grids_as_features((*made.grids, *made.sub_grids), plane)
    out.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "utf-8")
    told = proposal_as_json(made, plane)
    if as_json:
        print(json.dumps({name: told[name] for name in ("complete", "figures", "remarks")}, ensure_ascii=False))
    else:
        _show(told, out)


def _wishes(profile: str, **asked: Any) -> Wishes:
    from tiling.divide import PROFILES, Wishes, weigh_by_profile

    if profile not in PROFILES:
        words = say("{given} is not one of {known}", given=profile, known=" ".join(PROFILES))
        raise typer.BadParameter(words, param_hint="--profile")
    try:
        return weigh_by_profile(Wishes(**asked), profile)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


def _make_proposal(site: Any, wishes: Wishes, seed: int, seconds: float) -> Proposal:
    import numpy as np
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from tiling.divide import divide as divided

    until = time.monotonic() + seconds if seconds > 0 else float("inf")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(say("dividing"), total=1.0)

        def tell(share: float) -> None:
            shown.update(task, completed=share)

        rng = np.random.default_rng(seed)
        return divided(site, wishes, rng=rng, should_stop=lambda: time.monotonic() > until, progress=tell)


@contextmanager
def _report_in_a_line() -> Iterator[None]:
    from tiling.errors import CannotDivide

    try:
        yield
    except CannotDivide as refused:
        why, reason = refused.details["why"], refusal_in_words(refused.details, command_language())
        typer.echo(say("cannot divide ({why}): {reason}", why=why, reason=reason), err=True)
        raise typer.Exit(1) from refused


def _show(told: dict[str, Any], out: Path) -> None:
    figures = told["figures"]
    print(say("{out}: {grids} grids", out=out, grids=figures["grids"]))
    for name, value in figures.items():
        print(f"{name}\t{'-' if value is None else value}\t{text(f'dividing.figure_{name}', command_language())}")
    for remark in told["remarks"]:
        print(f"! {describe_remark(remark, command_language())}")


def describe_remark(remark: Mapping[str, Any], lang: str) -> str:
    """What a remark says, with its code and what can be done about it."""
    ways = " / ".join(way_in_words(way, lang) for way in remark["ways"])
    return f"{remark['code']}\t{remark_in_words(remark, lang)}\t→ {ways}"
