"""Every sentence a person reads, by key and language: ``text("planner.saved", "zh-CN", time="10:42")``.

Two catalogues, ``zh_CN.toml`` and ``en.toml``, hold the same keys in the same sections. A value is a plain
``str.format`` pattern; ``{name}`` is filled from the keyword arguments. Errors belong in ``[errors]``, one line each,
named by the stable code of the error; words of one page belong in the section of that page.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("zh-CN", "en")
DEFAULT = "zh-CN"
FOLDER = Path(__file__).parent


class UnknownTextError(LookupError):
    """A key that no catalogue holds, or a language that is not spoken here."""


def text(key: str, lang: str = DEFAULT, /, **values: object) -> str:
    """The sentence of ``key`` in ``lang``, filled with ``values``.

    Raises UnknownTextError for an unknown key or language, and KeyError when the sentence asks for a value that was
    not given: a half-filled sentence never reaches a reader.
    """
    try:
        sentence = catalogue(lang)[key]
    except KeyError as missing:
        raise UnknownTextError(f"no text {key!r} in {lang}: add it to both catalogues in gis_api/texts") from missing
    return sentence.format(**values) if values or "{" in sentence else sentence


def has(key: str) -> bool:
    """Whether ``key`` is a text; both catalogues have the same keys, so the language does not matter."""
    return key in catalogue(DEFAULT)


def find_typed_key(key: str) -> str:
    """The key of what somebody who types commands is told instead of ``key``: it names the option (``--crs``), which
    means nothing on a page."""
    typed = f"at_command_line.{key.rpartition('.')[2]}"
    return typed if has(typed) else key


def section(name: str, lang: str = DEFAULT) -> dict[str, str]:
    """The raw sentences of one section, keyed without its name, ``{value}`` marks unfilled: for a page's own script.

    Raises UnknownTextError for a section without a single text.
    """
    found = {
        key.removeprefix(f"{name}."): value for key, value in catalogue(lang).items() if key.startswith(f"{name}.")
    }
    if not found:
        raise UnknownTextError(f"no section {name!r} in {lang}")
    return found


def find_sentence(sentence: str) -> tuple[str, Mapping[str, str]] | None:
    """The key of an English sentence of the geometry (section ``said``), and the values in it; None where it is not
    known. They say more than the name of their error: "there is a vertex already; move it instead"."""
    for key, pattern in _compile_sentences():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return key, found.groupdict()
    return None


@cache
def _compile_sentences() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The sentences as patterns, the most particular first."""
    sentences = {key: value for key, value in catalogue("en").items() if key.startswith("said.")}
    order = sorted(sentences, key=lambda key: -len(sentences[key]))
    return tuple(
        (key, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentences[key])))) for key in order
    )


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All sentences of one language by dotted key; read once per process. Raises UnknownTextError for a language not
    in LANGUAGES."""
    if lang not in LANGUAGES:
        raise UnknownTextError(f"no catalogue for {lang!r}: one of {', '.join(LANGUAGES)}")
    path = FOLDER / f"{lang.replace('-', '_')}.toml"
    return dict(_flatten(tomllib.loads(path.read_text(encoding="utf-8"))))


def choose_language(accept_language: str | None) -> str:
    """The language of LANGUAGES that an Accept-Language header likes best, ``zh-CN`` where it says nothing we speak.

    Quality values are honoured (RFC 9110, 12.5.4); any Chinese is ``zh-CN``, any English ``en``.
    """
    for tag in sorted(_read_preferences(accept_language or ""), key=lambda entry: -entry[1]):
        for lang in LANGUAGES:
            if tag[0].split("-")[0] == lang.split("-")[0]:
                return lang
    return DEFAULT


def _read_preferences(header: str) -> Iterator[tuple[str, float]]:
    for tag, quality in re.findall(r"([A-Za-z-]+)\s*(?:;\s*q=(0(?:\.\d+)?|1(?:\.0+)?))?\s*(?:,|$)", header[:400]):
        if (weight := float(quality or 1)) > 0:
            yield tag.lower(), weight


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
