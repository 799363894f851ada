"""The README shows what the commands really print, and names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from gis_api.cli import app
from gis_api.commands.service import DEMO_PEOPLE, greeting

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_it_shows_what_serve_prints() -> None:
    hidden = dict.fromkeys(DEMO_PEOPLE, "*" * 12)
    assert "\n".join(greeting("http://127.0.0.1:8000", hidden, someone=True, lang="en")) in README


def test_its_pictures_and_files_are_there() -> None:
    named = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README) + re.findall(r"`((?:script|notebooks)/[\w./-]+)`", README)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_it_names_is_one() -> None:
    known = set(re.findall(r"│ (\w+) ", CliRunner().invoke(app, ["--help"]).output))
    assert set(re.findall(r"^wangge (\w+)", README, re.MULTILINE)) <= known
