import ast
import inspect
import re
from pathlib import Path

import pytest

from gis_api import texts
from layers.importing import IMPORTED
from layers.incidents import STEPS
from tiling import errors

TILING = Path(errors.__file__).parent
ERRORS = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}

ROOT = Path(__file__).parents[2]


def marks(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)[^}]*\}", sentence))


def test_both_catalogues_have_the_same_keys() -> None:
    assert set(texts.catalogue("zh-CN")) == set(texts.catalogue("en"))


def test_a_sentence_asks_for_the_same_values_in_both_languages() -> None:
    english = texts.catalogue("en")
    differing = [key for key, chinese in texts.catalogue("zh-CN").items() if marks(chinese) != marks(english[key])]
    assert differing == []


def test_only_who_types_commands_is_told_of_options() -> None:
    for lang in texts.LANGUAGES:
        told = {key for key, sentence in texts.catalogue(lang).items() if re.search(r"--[a-z]", sentence)}
        assert {
            key for key in told if not key.startswith(("cli.", "at_command_line.", "typed.", "errors.cannot_listen"))
        } == {"errors.certificate_without_key"}


def test_what_is_said_at_the_command_line_is_said_elsewhere_with_the_same_values() -> None:
    catalogue = texts.catalogue("en")
    for key in (key for key in catalogue if key.startswith("at_command_line.")):
        name = key.rpartition(".")[2]
        elsewhere = next(catalogue[f"{part}.{name}"] for part in ("errors", "importing") if texts.has(f"{part}.{name}"))
        assert marks(catalogue[key]) == marks(elsewhere), key


def test_no_sentence_is_empty() -> None:
    assert [key for lang in texts.LANGUAGES for key, value in texts.catalogue(lang).items() if not value.strip()] == []


def test_the_chinese_catalogue_is_chinese_and_the_english_one_is_not() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    foreign = [
        key for key, value in texts.catalogue("en").items() if han.search(value) and key != "frame.other_language"
    ]
    assert foreign == []
    assert all(han.search(value) for key, value in texts.catalogue("zh-CN").items() if key.startswith("errors.title_"))


def test_every_deed_of_the_history_has_words() -> None:
    """A page of the history in Chinese with `release.made` in it is half a page."""
    root = Path(texts.__file__).parents[2]
    scripts = [path for package in ("layers", "gis_api") for path in (root / package).rglob("*.py")]
    written = "\n".join(path.read_text() for path in scripts)
    deeds = set(re.findall(r'(?:history\.|\b)note\(\s*(?:session|tx), "([a-z_.]+)"', written))
    deeds |= {f"plan.{action}" for action in re.findall(r'Happening\(action="(\w+)"', written)}
    deeds |= {f"import.{layer}" for layer in IMPORTED}
    assert len(deeds) > 30
    assert [deed for deed in sorted(deeds) if not texts.has(f"history.did_{deed.replace('.', '_')}")] == []


def test_every_line_of_a_timeline_has_words() -> None:
    """Steps of the workflow, and those that the service writes by itself."""
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "layers").rglob("*.py"))
    written = {*re.findall(r'\bStep\(\s*"(\w+)"', sources), *STEPS}
    assert {"wait", "joined", "photo", "accept"} <= written
    known = texts.catalogue("zh-CN")
    assert [step for step in sorted(written) if not {f"steps.{step}", f"steps.do_{step}"} & known.keys()] == []


def test_a_value_is_filled_in() -> None:
    assert texts.text("roles.planner", "en") == "Planner"
    assert texts.text("frame.signed_in_as", "zh-CN", name="甲") == "已登录：甲"


def test_a_missing_value_raises_instead_of_leaving_a_hole() -> None:
    with pytest.raises(KeyError):
        texts.text("frame.signed_in_as", "zh-CN")


def test_an_unknown_key_or_language_raises() -> None:
    with pytest.raises(texts.UnknownTextError, match=r"no\.such"):
        texts.text("no.such", "en")
    with pytest.raises(texts.UnknownTextError):
        texts.text("roles.planner", "tlh")
    with pytest.raises(texts.UnknownTextError):
        texts.section("nothing", "en")


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr,de;q=0.5", "zh-CN"),
        ("en;q=0.3,zh-TW;q=0.8", "zh-CN"),
        ("zh;q=0,en;q=0.1", "en"),
        ("fr, en;q=0.1", "en"),
    ],
)
def test_the_browser_chooses_among_the_languages_spoken_here(header: str | None, lang: str) -> None:
    assert texts.choose_language(header) == lang


def sentences_of_the_geometry() -> set[str]:
    """What `tiling` raises its errors with, values filled with something."""
    found: set[str] = set()
    for path in sorted(TILING.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS and node.args:
                said = named.get(node.args[0].id) if isinstance(node.args[0], ast.Name) else node.args[0]
                if isinstance(said, ast.JoinedStr):
                    found.add("".join(part.value if isinstance(part, ast.Constant) else "7" for part in said.values))
                elif isinstance(said, ast.Constant):
                    found.add(str(said.value))
    return found


def test_every_sentence_of_the_geometry_is_told_in_both_languages() -> None:
    sentences = sentences_of_the_geometry()
    assert len(sentences) > 30
    assert [sentence for sentence in sorted(sentences) if texts.find_sentence(sentence) is None] == []
    key, values = texts.find_sentence("Grid 130273001 would cross itself (Self-intersection).") or ("", {})
    assert texts.text(key, "zh-CN", **values) == "网格 130273001 将与自身相交（Self-intersection）。"
    assert texts.find_sentence("something that nobody says") is None


# Sections whose keys are words of others: what the commands say in English, GEOS' and pydantic's own codes.
FOREIGN = ("typed", "said", "parser", "invalid", "validation")


def sources() -> str:
    files = (path for path in ROOT.glob("gis_api/**/*") if path.suffix in (".py", ".js", ".html"))
    return "\n".join(path.read_text() for path in (*files, *ROOT.glob("layers/**/*.py"), *ROOT.glob("tiling/**/*.py")))


def test_every_text_is_named_somewhere() -> None:
    """By its key, or by the beginning of one (`history.did_` and a name) whose other words occur in the code."""
    code = sources()
    words = set(re.findall(r"[a-z0-9]+", re.sub(r"([A-Z])", r" \1", code).lower()))
    literal = set(re.findall(r"[\"'`]([a-z_]+\.\w+)[\"'`]", code))
    begun = set(re.findall(r"[\"'`]([a-z_]+\.[a-z0-9_]*)(?:\$\{|\{|[\"'`] [+~])", code))

    def is_named(key: str) -> bool:
        return key in literal or any(
            key.startswith(start) and set(key.removeprefix(start).split("_")) <= words for start in begun
        )

    keys = [key for key in texts.catalogue("en") if key.partition(".")[0] not in FOREIGN]
    assert [key for key in keys if not is_named(key)] == []


def test_every_key_that_is_named_is_a_text() -> None:
    asked = re.findall(
        r"(?<![\w.])(?:t|text|texts\.text)\(\s*[\"']([a-z_]+\.[a-z0-9_]*[a-z0-9])[\"'](?! [+~])", sources()
    )
    assert len(asked) > 300
    assert sorted(set(asked) - set(texts.catalogue("en"))) == []
