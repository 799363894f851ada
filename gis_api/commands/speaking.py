"""The command line in the operator's language.

Helps and ordinary output stand in English in the code, and in the section `typed` of the texts in both languages; one
that is missing there fails the tests, and is told in English.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer._click.core import Command

SECTION = "typed"


def say(sentence: str, /, **values: object) -> str:
    """The sentence in the language of this terminal, filled with the values."""
    from gis_api.settings import command_language

    told = translate(sentence, command_language())
    return told.format(**values) if values else told


def translate(sentence: str, lang: str) -> str:
    """The sentence in a language; as it is where the texts do not have it."""
    from gis_api import texts

    key = _keys().get(sentence)
    return sentence if key is None else texts.catalogue(lang)[key]


def kind_of(kind: str) -> str:
    """The kind of a defect as the reader names it; in English by its code, as everywhere in reports."""
    from gis_api.settings import command_language
    from gis_api.texts import has, text

    key, lang = f"defects.{kind}", command_language()
    return text(key, lang) if lang != "en" and has(key) else kind


def words_of_work(code: str) -> str:
    """What a long work is doing, as jobs say it."""
    from gis_api.settings import command_language
    from gis_api.texts import has, text

    key = f"jobs.doing_{code}"
    return text(key, command_language()) if has(key) else code


def is_known(sentence: str) -> bool:
    """Whether the texts have an English sentence of the code."""
    return sentence in _keys()


def speak(command: Command, lang: str) -> None:
    """Put the helps of a command, of its parameters and of all commands below it into a language."""
    from typer._click.core import Context

    command.help = command.help and translate(command.help, lang)
    options = [*command.params, command.get_help_option(Context(command))]
    for one in options:
        stated = getattr(one, "help", None)
        if stated:
            setattr(one, "help", translate(stated, lang))  # noqa: B010 - options and arguments have it, their base not
    for below in getattr(command, "commands", {}).values():
        speak(below, lang)


@cache
def _keys() -> dict[str, str]:
    from gis_api import texts

    return {value: key for key, value in texts.catalogue("en").items() if key.startswith(f"{SECTION}.")}
