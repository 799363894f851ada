"""What the parser of the command line says by itself (usage, panels, errors), in the operator's language.

Typer and the click inside it speak English and have no catalogue. Their sentences stand in the section `parser` of the
texts, in English word for word: a sentence is known again by its pattern, and what it quotes is translated in turn.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import typer.rich_utils
from typer._click import core, exceptions
from typer._click.formatting import HelpFormatter

from gis_api import texts

if TYPE_CHECKING:
    from collections.abc import Callable

SECTION = "parser"
# Constants of the panels, and the text of each.
PANELS = {
    "DEPRECATED_STRING": "deprecated",
    "DEFAULT_STRING": "default",
    "ENVVAR_STRING": "variable",
    "REQUIRED_LONG_STRING": "required",
    "ARGUMENTS_PANEL_TITLE": "arguments",
    "OPTIONS_PANEL_TITLE": "options",
    "COMMANDS_PANEL_TITLE": "commands",
    "ERRORS_PANEL_TITLE": "error",
    "ABORTED_TEXT": "aborted",
    "RICH_HELP": "help_hint",
}
# What stands in the usage line for whatever may be said there.
PLACES = {"[OPTIONS]": "options_place", "COMMAND [ARGS]...": "command_place"}
_TOLD_BY = (
    exceptions.ClickException,
    exceptions.BadParameter,
    exceptions.MissingParameter,
    exceptions.NoSuchOption,
)
_OWN_WORDS: dict[type, Callable[[Any], str]] = {one: one.format_message for one in _TOLD_BY}


def speak(lang: str) -> None:
    """Let the parser of this process speak a language from now on."""
    for constant, key in PANELS.items():
        setattr(typer.rich_utils, constant, texts.catalogue(lang)[f"{SECTION}.{key}"])
    usage = texts.catalogue(lang)[f"{SECTION}.usage"]
    places = [(word, texts.catalogue(lang)[f"{SECTION}.{key}"]) for word, key in PLACES.items()]

    class Formatter(HelpFormatter):
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            for word, own in places:
                args = args.replace(word, own)
            super().write_usage(prog, args, usage if prefix is None else prefix)

    core.Context.formatter_class = Formatter
    for one, told in _OWN_WORDS.items():
        setattr(one, "format_message", _translate_messages(told, lang))  # noqa: B010 - a method, which mypy keeps


def _translate_messages(told: Callable[[Any], str], lang: str) -> Callable[[Any], str]:
    def format_message(self: Any) -> str:
        return translate(told(self), lang)

    return format_message


def translate(sentence: str, lang: str) -> str:
    """A sentence of the parser in a language; as it is where it is not known."""
    if lang == "en":
        return sentence
    for key, pattern in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            values = {name: translate(value, lang) for name, value in found.groupdict().items()}
            return texts.catalogue(lang)[key].format(**values)
    return sentence


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Each sentence as a pattern whose places take anything; the order of the texts counts."""
    spoken = {key: value for key, value in texts.catalogue("en").items() if key.startswith(f"{SECTION}.")}
    return [(key, _pattern(value)) for key, value in spoken.items() if "[" not in value and "{}" not in value]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if number % 2 else re.escape(part) for number, part in enumerate(parts)), re.DOTALL
    )
