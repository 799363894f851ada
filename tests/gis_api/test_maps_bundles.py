"""Modules with what they import in one file: order, names, circles, and what a bundle refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gis_api.maps.assets import BUNDLED, OWN_FOLDER, modules_of, own_url
from gis_api.maps.bundles import UnusualModuleError, bundle_of


def written(folder: Path, **modules: str) -> Path:
    """The entry `main` among modules of these texts."""
    for name, source in modules.items():
        (folder / f"{name}.js").write_text(source)
    return folder / "main.js"


def test_what_is_imported_runs_first_and_once(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import { a } from "./a.js";\nimport { b as other } from "./b.js";\na(other);',
        a='import { b } from "./b.js";\nexport function a() {\n  return b;\n}',
        b="export const b = 1;",
    )
    bundle = bundle_of(entry)
    assert bundle.count("const b = 1;") == 1
    assert bundle.index("const b = 1;") < bundle.index("function a()") < bundle.index("a(other)")
    assert "const { b: other } = " in bundle
    assert re.search(r"^(import|export) ", bundle, re.MULTILINE) is None


def test_the_entry_keeps_its_exports(tmp_path: Path) -> None:
    assert "export const opened = 1;" in bundle_of(written(tmp_path, main="export const opened = 1;"))


def test_a_function_of_a_circle_is_looked_up_when_it_is_called(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import { a } from "./a.js";\na();',
        a='import { b } from "./b.js";\nexport function a() {\n  b();\n}',
        b='import { a } from "./a.js";\nexport function b() {\n  a();\n}',
    )
    assert re.search(r"const a = \(\.\.\.all\) => \$\$\d+\.a\(\.\.\.all\);", bundle_of(entry))


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ('import * as b from "./b.js";', ""),
        ('import b from "./b.js";', ""),
        ('import "./b.js";', ""),
        ("export default 1;", ""),
        ('export { b } from "./b.js";', ""),
        ("export let a = 1;", ""),
        (
            'import { B } from "./b.js";\nexport class A {}',
            'import { A } from "./main.js";\nexport class B extends A {}',
        ),
    ],
)
def test_a_module_in_another_style_is_refused(tmp_path: Path, source: str, other: str) -> None:
    with pytest.raises(UnusualModuleError):
        bundle_of(written(tmp_path, main=source, b=other))


@pytest.mark.parametrize("entry", sorted(BUNDLED))
def test_every_bundle_is_served_and_holds_all_modules(anybody: TestClient, entry: str) -> None:
    answer = anybody.get(own_url(f"bundles/{entry}"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.count("= (() => {\n") >= len(modules_of(f"js/{entry}"))
    assert answer.text == bundle_of(OWN_FOLDER / "js" / entry)


def test_no_other_bundle_exists(anybody: TestClient) -> None:
    assert anybody.get(own_url("bundles/home/main.js")).status_code == 404
    assert anybody.get(own_url("bundles/../../../README.md")).status_code == 404
