"""Tables of text: whatever way a block is parsed, its cells and faults are those of the careful reader."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layers.files import delimited, swift
from layers.files.delimited import open_delimited

Cells = list[list[str | None]]
Read = tuple[Cells, dict[int, str]]
NAMES = ["a", "b", "c"]
# Most of what parts cells and lines, and little that does not.
SIGNS = st.text(alphabet=st.sampled_from('"",,\n\r ;x路\x00'), max_size=40)
FIELD = st.sampled_from(
    ["", "x", " x ", '"x"', '"x,路"', '"x""y"', '""', '"x\ny"', '"x\r\ny"', 'x"y', '"x"y', '"x', "路"]
)
LINES = st.lists(st.lists(FIELD, min_size=2, max_size=4).map(",".join), max_size=8).map("\n".join)


def read(path: Path) -> Read:
    rows: Cells = []
    faults: dict[int, str] = {}
    with open_delimited(path) as table:
        for block in table.blocks():
            faults |= {len(rows) + at: fault for at, fault in block.faults.items()}
            rows += map(list, zip(*(block.columns[name].to_pylist() for name in table.names), strict=True))
    return rows, faults


def carefully(text: str) -> list[tuple[list[str], str | None]]:
    lines = delimited._Lines([], io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline=""))
    return list(delimited._records(lines, ","))


@given(SIGNS | LINES)
@example('"a""b",x,y\n')
@example('""x,x,y\n')
@example('a""b,x,y\n')
@example('""""", ,"\n')
@example('"a,"b,x,y\n')
@example("x,y,z\r\r\nx,y,z\r")
def test_what_the_quick_way_reads_the_careful_one_reads_too(text: str) -> None:
    columns = swift.parse(text, NAMES, ",")
    if columns is not None:
        quick = list(map(list, zip(*(columns[name].to_pylist() for name in NAMES), strict=True)))
        assert [(cells, None) for cells in quick] == carefully(text)


@pytest.mark.parametrize("sign", [",", ";", "\t", "；"])
def test_faults_spoil_their_own_rows_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    lines = [["编号", "名称", "备注"], *([f"{n:03d}", "路", "x"] for n in range(40))]
    lines[5][2] = f'"x{sign}y"'
    lines[9] = [*lines[9], "more"]
    lines[12] = lines[12][:2]
    lines[17][1] = '"路'
    lines[23][2] = '"two\nlines"'
    lines[31][1] = '"路"x'
    path = tmp_path / "table.csv"
    head = f"sep={sign}\n" if sign == "；" else ""
    path.write_text(head + "".join(sign.join(line) + "\n" for line in lines), encoding="utf-8")
    right = read(path)
    rows, faults = right
    assert [row[0] for row in rows] == [f"{n:03d}" for n in range(40)]
    assert faults == {8: "too_many_cells", 16: "quotes_do_not_match", 30: "quotes_do_not_match"}
    assert (rows[4][2], rows[11], rows[22][2]) == (f"x{sign}y", ["011", "路", ""], "two\nlines")
    monkeypatch.setattr(delimited, "_FEW_LINES", 3)
    for signs in (1, 7, 50, 333):
        monkeypatch.setattr(delimited, "_BLOCK_SIGNS", signs)
        assert read(path) == right, signs


def test_a_quote_that_nobody_closes_takes_in_one_line_though_another_stands_far_below(tmp_path: Path) -> None:
    rows = [f"{n},路,x" for n in range(1_000)]
    rows[100], rows[900] = '100,"路,x', '900,"路,x'
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c", *rows, ""]), encoding="utf-8")
    told, faults = read(path)
    assert (len(told), faults) == (1_000, {100: "quotes_do_not_match", 900: "quotes_do_not_match"})
