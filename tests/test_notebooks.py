"""The notebooks run from top to bottom (their code cells, without a notebook server)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def run(notebook: Path) -> dict[str, Any]:
    cells = json.loads(notebook.read_text())["cells"]
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{notebook.name}:{cell['id']}", "exec"), names)
    return names


@pytest.mark.data
def test_the_first_look_finds_the_known_defects(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_TEST_DATA", str(data))
    names = run(Path(__file__).parent.parent / "notebooks" / "first_look.ipynb")
    overlaps = [defect for defect in names["report"].defects if defect.kind == "overlap" and defect.area_m2 > 1]
    assert len(overlaps) == 5
    assert not names["report"].ok
    assert names["found"].relation == "inside"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_its_output(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    assert all(cell.get("outputs", []) == [] for cell in cells)
