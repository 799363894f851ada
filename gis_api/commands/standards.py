"""`wangge import standards FILE`: the city's standard sheet from a workbook, tried or taken in ([K5])."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from gis_api.commands.database import open_database
from gis_api.commands.speaking import say

LAYER = "standards"
MOST_SHOWN = 20


def import_standards(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Take a workbook in as a new version of the sheet, whole or not at all; exit status 1 where a row is refused."""
    from gis_api.settings import command_language
    from gis_api.sheet_words import words_of_refusal
    from layers.access import service_actor
    from layers.db import transaction
    from layers.standards import put_sheet
    from layers.standards.workbook import read_file

    reading = read_file(file)
    version = None
    if reading.sheet is not None and not dry_run:
        with open_database() as engine, transaction(engine) as session:
            version = put_sheet(session, reading.sheet, by=service_actor("wangge import")).version
    refused = [
        {"row": one.row, "column": one.column, "reason": one.code, "text": words_of_refusal(one, command_language())}
        for one in reading.refused
    ]
    if as_json:
        stored = 0 if version is None else reading.rows
        told = {"read": reading.rows, "stored": stored, "version": version, "dry_run": dry_run, "refused": refused}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _show(version, reading.rows, [one["text"] for one in refused], dry_run=dry_run)
    if refused:
        raise typer.Exit(1)


def _show(version: int | None, rows: int, refused: list[object], *, dry_run: bool) -> None:
    if dry_run:
        print(say("dry run: nothing was stored"))
    elif version is not None:
        print(say("the standard sheet is stored as version {version}", version=version))
    else:
        print(say("nothing of the sheet was stored"))
    print(f"  {say('read'):<7} {rows:>9,}")
    print(f"  {say('refused'):<7} {len(refused):>9,}")
    for words in refused[:MOST_SHOWN]:
        print(f"  {words}")
