"""The command line speaks Chinese and English: every help of every command, and what commands print."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gis_api import texts
from gis_api.cli import app
from gis_api.commands.dividing import describe_remark
from gis_api.commands.explaining import RELATIONS
from gis_api.commands.speaking import is_known, speak, translate
from tests.importing import BOW_TIE, boxes, geo_file
from tiling.divide import remarking
from tiling.divide.proposal import Figures

COMMANDS = Path(__file__).parents[2] / "gis_api" / "commands"


def helps(command: Any) -> Iterator[tuple[str, str | None]]:
    """The path of each command and parameter, and its help."""
    yield command.name, command.help
    for one in command.params:
        yield f"{command.name} {one.name}", one.help
    for below in getattr(command, "commands", {}).values():
        for path, words in helps(below):
            yield f"{command.name} {path}", words


def test_every_command_and_every_parameter_has_a_help_in_both_languages() -> None:
    command = typer.main.get_command(app)
    english = dict(helps(command))
    assert [path for path, words in english.items() if not words] == []
    assert [(path, words) for path, words in english.items() if not is_known(str(words))] == []
    speak(command, "zh-CN")
    assert [
        path for path, words in helps(command) if not any("\u4e00" <= sign <= "\u9fff" for sign in str(words))
    ] == []


def spoken() -> list[str]:
    """Every sentence that the commands say, also those that a name of the same function stands for."""
    found = [*RELATIONS.values(), "noise", "sliver", "real"]
    for file in COMMANDS.glob("*.py"):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                names = dict(assigned(function))
                for call in ast.walk(function):
                    if called(call) in ("say", "in_language") and isinstance(call, ast.Call):
                        found += [text for one in branches(call.args[0]) for text in sentences(one, names)]
    return found


def assigned(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                yield from (
                    (one.id, other)
                    for one, other in zip(target.elts, value.elts, strict=True)
                    if isinstance(one, ast.Name)
                )
            elif isinstance(target, ast.Name):
                yield target.id, value


def branches(said: ast.expr) -> list[ast.expr]:
    return [*branches(said.body), *branches(said.orelse)] if isinstance(said, ast.IfExp) else [said]


def sentences(said: ast.expr, names: dict[str, ast.expr]) -> list[str]:
    if isinstance(said, ast.Constant):
        return [str(said.value)]
    if isinstance(said, ast.Name) and said.id in names:
        return [text for one in branches(names[said.id]) for text in sentences(one, {})]
    return []


def test_every_sentence_that_a_command_says_is_there_in_both_languages() -> None:
    assert len(spoken()) > 60
    assert [sentence for sentence in spoken() if not is_known(sentence)] == []


def test_nothing_is_printed_past_the_two_languages() -> None:
    """A literal with English words in `print`, `echo` or `BadParameter` is one that nobody translated."""
    past = []
    for file in COMMANDS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called(node) in ("print", "echo", "BadParameter", "Table"):
                said = {id(one) for call in ast.walk(node) if called(call) in ("say", "text") for one in ast.walk(call)}
                past += [
                    (file.name, one.value)
                    for argument in node.args
                    for one in ast.walk(argument)
                    if isinstance(one, ast.Constant) and id(one) not in said and words_in(one.value)
                ]
    assert past == []


def called(node: ast.AST) -> str:
    name = node.func if isinstance(node, ast.Call) else None
    return str(getattr(name, "id", getattr(name, "attr", "")))


def words_in(value: object) -> bool:
    return isinstance(value, str) and " " in value.strip() and any(sign.isalpha() for sign in value)


@pytest.mark.parametrize(
    ("language", "told"), [("zh-CN", "没有缺陷：覆盖有效"), ("en", "no defects: a valid coverage")]
)
def test_check_speaks_the_language_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, told: str
) -> None:
    monkeypatch.setenv("WANGGE_LANGUAGE", language)
    assert told in CliRunner().invoke(app, ["check", str(geo_file(tmp_path, boxes(), code=["1", "2"]))]).stdout
    torn = geo_file(tmp_path, [*boxes(), BOW_TIE], code=["1", "2", "3"], file_name="torn.parquet")
    kinds = CliRunner().invoke(app, ["check", str(torn)]).stdout
    invalid = {"zh-CN": texts.text("defects.invalid", "zh-CN"), "en": "invalid"}[language]
    assert invalid in kinds and translate("kind", language) in kinds


def told_by_process(*words: str, language: str) -> str:
    """What the real command prints, on one line: boxes break sentences."""
    environment = {**os.environ, "WANGGE_LANGUAGE": language, "COLUMNS": "250", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gis_api.cli", *words], env=environment, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "chinese", "english"),
    [
        (["key", "add"], ["用法：", "错误", "缺少参数 'name'。", "查看帮助"], ["Usage:", "Missing argument 'name'."]),
        (["key", "add", "n"], ["缺少选项 '--role'。"], ["Missing option '--role'."]),
        (["nonsense"], ["没有命令 'nonsense'。"], ["No such command 'nonsense'."]),
        (["imprt"], ["没有命令 'imprt'。是否为 'import'？"], ["Did you mean 'import'?"]),
        (["import", "--frobn"], ["没有选项 --frobn"], ["No such option: --frobn"]),
        (["serve", "--port"], ["选项 '--port' 需要一个值。"], ["Option '--port' requires an argument."]),
        (["serve", "--port", "x"], ["'--port' 的值无效：应为整数"], ["Invalid value for '--port'"]),
        (["serve", "--workers", "999"], ["不得大于 64"], ["less than or equal to 64"]),
        (["import", "grids", "a", "b"], ["多出的参数：b"], ["unexpected extra argument"]),
        (["divide", "/not/there", "/b", "--out", "c"], ["文件 '/not/there' 不存在。"], ["does not exist."]),
        (["import", "grids", "a", "--sub-grids", "x"], ["'x' 不在可选值 'keep', 'none' 之中"], ["is not one of"]),
        (["key", "add", "--help"], ["用法：", "参数", "选项", "[必填]"], ["Usage:", "Options", "[required]"]),
    ],
    ids=lambda one: " ".join(one)[:30],
)
def test_the_parser_speaks_the_language_of_the_terminal(
    words: list[str], chinese: list[str], english: list[str]
) -> None:
    told = told_by_process(*words, language="zh-CN")
    assert [one for one in chinese if one not in told] == [], told
    own = re.findall(
        r"Usage|OPTIONS|ARGS|COMMAND|Options?\b|Arguments?\b|Error|Missing|No such|Invalid|Try '|required", told
    )
    assert own == [], told
    told = told_by_process(*words, language="en")
    assert [one for one in english if one not in told] == [], told


def test_every_remark_way_and_figure_of_a_division_has_words_in_both_languages() -> None:
    remarks = re.findall(r'Remark\(\s*"(\w+)".*?\(((?:"\w+",? ?)+)\)', inspect.getsource(remarking), re.DOTALL)
    assert len(remarks) == 9
    details = {"grid": "1", "weight": 12.0, "target": 30.0, "share": 0.25, "width_m": 3.5}
    for code, ways in remarks:
        told = describe_remark({"code": code, "where": None, "ways": re.findall(r"\w+", ways), **details}, "zh-CN")
        assert any("\u4e00" <= sign <= "\u9fff" for sign in told), told
        assert code in describe_remark({"code": code, "ways": re.findall(r"\w+", ways), **details}, "en")
    for figure in fields(Figures):
        assert texts.has(f"dividing.figure_{figure.name}")
