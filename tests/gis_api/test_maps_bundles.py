"""Modules with what they import in one file: what is in it, what it exports, and what is told of a broken module."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gis_api.maps import bundles
from gis_api.maps.assets import BUNDLED, OWN_FOLDER, build_own_url
from gis_api.maps.bundles import BundleError, bundle_of

ROOT = Path(__file__).parent.parent.parent


def written(folder: Path, **modules: str) -> Path:
    """The entry `main` among modules of these texts."""
    for name, source in modules.items():
        (folder / f"{name}.js").write_text(source)
    return folder / "main.js"


def ran(script: str, folder: Path) -> str:
    """What a module writes to its console when node runs it."""
    (folder / "bundle.mjs").write_text(script)
    done = subprocess.run([ROOT / "script" / "node", folder / "bundle.mjs"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_is_imported_runs_first_and_once(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import { a } from "./a.js";\nimport { b as other } from "./b.js";\nconsole.log(a(), other);',
        a='import { b } from "./b.js";\nconsole.log("a");\nexport const a = () => b;',
        b='console.log("b");\nexport const b = "一";',
    )
    bundle = bundle_of(entry)
    assert "一" in bundle and "./b.js" not in bundle
    assert ran(bundle, tmp_path).split() == ["b", "a", "一", "一"]


def test_the_entry_keeps_its_exports(tmp_path: Path) -> None:
    bundle = bundle_of(written(tmp_path, main="export const opened = 7;"))
    (tmp_path / "made.mjs").write_text(bundle)
    assert ran('import { opened } from "./made.mjs";\nconsole.log(opened);', tmp_path) == "7"


def test_modules_may_import_each_other_in_any_style(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import a, * as all from "./a.js";\nimport "./b.js";\nconsole.log(a(), all.one);',
        a='import { b } from "./b.js";\nexport default function a() {\n  return b();\n}\nexport let one = 1;',
        b='import { one } from "./a.js";\nexport function b() {\n  return one + 1;\n}',
    )
    assert ran(bundle_of(entry), tmp_path) == "2 1"


@pytest.mark.parametrize(("source", "told"), [('import { b } from "./b.js";', "./b.js"), ("const = 1;", "main.js:1:6")])
def test_a_broken_module_is_told_with_its_place(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(BundleError, match=told):
        bundle_of(written(tmp_path, main=source))


def test_without_the_bundler_it_is_said_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "ROOT", tmp_path)
    with pytest.raises(BundleError, match="script/setup"):
        bundle_of(written(tmp_path, main="1;"))


@pytest.mark.parametrize("entry", sorted(BUNDLED))
def test_every_bundle_is_served_and_asks_for_no_other_module(anybody: TestClient, entry: str) -> None:
    answer = anybody.get(build_own_url(f"bundles/{entry}"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text == bundle_of(OWN_FOLDER / "js" / entry)
    assert re.search(r"""\bimport\s*[{*("']|\bfrom\s*["']\.""", answer.text) is None
    assert len(answer.text) > 100_000


def test_no_other_bundle_exists(anybody: TestClient) -> None:
    assert anybody.get(build_own_url("bundles/home/main.js")).status_code == 404
    assert anybody.get(build_own_url("bundles/../../../README.md")).status_code == 404
