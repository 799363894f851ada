"""Every setting stands in docs/settings.md, as it is: a new one without its line fails here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gis_api.settings import READ_ELSEWHERE, Settings, command_language, list_unknown_variables

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "settings.md"
VARIABLE = re.compile(r"\bWANGGE_[A-Z]+(?:_[A-Z]+)*\b")


def table() -> str:
    """The settings as the document has to show them."""
    rows = [
        f"| `WANGGE_{name.upper()}` | {shown(field.get_default())} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return "| variable | default | meaning |\n|---|---|---|\n" + "".join(rows)


def shown(default: object) -> str:
    return f"`{default}`" if default not in (None, "", ()) else "–"


def test_the_document_has_every_setting_with_its_default_and_meaning() -> None:
    missing = [row for row in table().splitlines() if row not in DOCUMENT.read_text()]
    assert missing == []


def test_every_variable_that_is_named_anywhere_is_documented_and_every_documented_one_is_read() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    written = (
        ".py",
        ".md",
        ".yml",
        ".example",
        ".conf",
        ".js",
        "serve",
        "test",
        "setup",
        "bench",
        "check",
        "Dockerfile",
    )
    named: set[str] = set()
    for name in listed:
        path = ROOT / name
        if name.endswith(written) and path.is_file() and path not in (DOCUMENT, Path(__file__)):
            named |= set(VARIABLE.findall(path.read_text(errors="replace")))
    documented = set(VARIABLE.findall(DOCUMENT.read_text()))
    known = {f"WANGGE_{name.upper()}" for name in Settings.model_fields} | set(READ_ELSEWHERE)
    assert named - documented == set()
    assert documented == known


def test_a_slip_of_the_pen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PROT", "8010")
    monkeypatch.setenv("WANGGE_PORT", "8010")
    assert list_unknown_variables() == ["WANGGE_PROT"]


@pytest.mark.parametrize(
    ("stated", "locale", "lang"),
    [("", "zh_CN.UTF-8", "zh-CN"), ("", "C.UTF-8", "en"), ("en", "zh_CN.UTF-8", "en"), ("zh-CN", "", "zh-CN")],
)
def test_the_command_line_speaks_the_language_of_its_terminal(
    monkeypatch: pytest.MonkeyPatch, stated: str, locale: str, lang: str
) -> None:
    monkeypatch.setenv("WANGGE_LANGUAGE", stated)
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("LANG", "C")
    assert command_language() == lang
