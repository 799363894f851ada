"""The standard sheet out of a workbook and back: the same sheet again; what cannot be read is named by its row."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from layers.clocks import Limit, LimitKind
from layers.errors import Unacceptable
from layers.standards import Condition, Reading, StandardSheet, SubClass, compare_sheets, read_rows
from layers.standards.workbook import book_of, read_workbook, rows_of, tables_of
from migrations.demo.standard_sheet import make_sheet
from tests.layers.standards.test_limits import limits

HEAD = ("大类", "小类代码", "小类", "立案条件", "处置时限", "结案条件", "主管部门", "责任部门", "法律依据")
LEAK = ("公用设施", "0101", "供水管道", "爆裂", "1小时", "已围护", "水务局", "供水公司", "条例")
ROAD = (None, None, None, "路面未恢复", "3个工作日", "路面平整", None, None, None)


def workbook(*rows: Sequence[Any], merged: Sequence[str] = (), formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in rows:
        page.append(list(row))
    for place in merged:
        page.merge_cells(place)
    for place, words in (formats or {}).items():
        page[place].number_format = words
    return saved(book)


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(file: bytes) -> Reading:
    """As the child process reads it, without the process."""
    return read_rows(tables_of(rows_of(file)))


def sheet_of(file: bytes) -> StandardSheet:
    reading = read(file)
    assert reading.refused == ()
    assert reading.sheet is not None
    return reading.sheet


def refusals(*rows: Sequence[Any], **more: Any) -> list[tuple[int, str, str]]:
    reading = read(workbook(*rows, **more))
    assert reading.sheet is None
    return [(one.row, one.column, one.code) for one in reading.refused]


def texts(least: int, most: int) -> st.SearchStrategy[str]:
    """What a cell can hold: any letters, several lines, formulas and apostrophes; blanks around it are nobody's."""
    letters = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"), exclude_characters="\ufffe\uffff")
    free = st.text(st.one_of(letters, st.sampled_from("\n='-+@A1立案")), min_size=least, max_size=most)
    odd = st.sampled_from(
        ["=1+1", "'=x", "''-", "@a", "－3", "x\ny", "_x0041_", "注意", "007", "1.0", "TRUE", "2026-01-01"]
    )
    return st.one_of(free, odd if most > 20 else free).map(str.strip).filter(lambda text: len(text) >= least)


@st.composite
def sheets(draw: st.DrawFn) -> StandardSheet:
    """Sheets of some sub-classes, also of the same class twice, with one condition or several."""
    codes = draw(
        st.lists(
            st.from_regex(r"[0-9A-Za-z]{1,4}(-[0-9A-Za-z]{1,3})?", fullmatch=True), min_size=1, max_size=5, unique=True
        )
    )
    classes = draw(st.lists(texts(1, 12), min_size=1, max_size=2))
    made = []
    for code in codes:
        cases = draw(st.lists(texts(1, 40), min_size=1, max_size=4, unique=True))
        conditions = [
            Condition(f"{code}-{number}", case, draw(limits()), draw(texts(0, 40)))
            for number, case in enumerate(cases, start=1)
        ]
        told = [draw(texts(0, 30)) for _ in range(3)]
        kind = draw(st.sampled_from(["component", "event", ""]))
        class_name, name = draw(st.sampled_from(classes)), draw(texts(1, 12))
        made.append(SubClass(code, class_name, name, kind, *told, conditions=tuple(conditions)))
    return StandardSheet(tuple(made))


# To make a failing workbook smaller takes minutes.
@settings(deadline=None, max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(sheets(), st.sampled_from(["zh-CN", "en"]))
def test_a_sheet_that_is_exported_imports_again_as_the_same_sheet(sheet: StandardSheet, lang: str) -> None:
    assert sheet_of(book_of(sheet, lang=lang)) == sheet


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_demo_sheet_is_that_of_a_city_and_goes_the_way_through_the_child_process(lang: str) -> None:
    sheet = make_sheet()
    kinds = {condition.limit.kind for condition in sheet.conditions}
    assert len(sheet.sub_classes) >= 120
    assert {LimitKind.urgent_hours, LimitKind.work_hours, LimitKind.work_days} <= kinds
    assert read_workbook(book_of(sheet, lang=lang)).sheet == sheet


def test_merged_cells_hold_for_each_of_their_rows_and_blank_ones_for_what_was_said_above() -> None:
    other = ("公用设施", "0102", "路灯", "不亮", "1个工作日", "已亮", "住建局", "路灯所", "")
    merged = workbook(
        ("城市立案结案标准",),
        HEAD,
        LEAK,
        ROAD,
        other,
        merged=["A1:I1", "A3:A5", "B3:B4", "C3:C4", "G3:G4", "H3:H4", "I3:I4"],
    )
    blank = workbook(HEAD, LEAK, ROAD, (None, *other[1:]), ("注：以上时限自立案起算",))
    assert sheet_of(merged) == sheet_of(blank)
    pipe, lamp = sheet_of(merged).sub_classes
    assert [one.limit for one in pipe.conditions] == [Limit(1, LimitKind.urgent_hours), Limit(3, LimitKind.work_days)]
    assert (pipe.responsible, lamp.responsible, lamp.class_name) == ("供水公司", "路灯所", "公用设施")
    assert [one.code for one in pipe.conditions] == ["0101-1", "0101-2"]


def test_the_columns_may_stand_in_any_order_under_other_names_and_without_codes() -> None:
    head = ("处置时限（工作日）", "结案标准", "立案标准", "小类名称", "大类名称")
    file = workbook(
        head,
        ("３", "修好", "破损", "座椅", "园林"),
        ("2小时", "移走", "倒伏", "行道树", "园林"),
        (5, "", "脏污", "", ""),
    )
    seat, tree = (None, None)
    reading = read(file)
    assert [(one.row, one.column, one.code) for one in reading.refused] == [(3, "limit", "limit_unreadable")]
    file = workbook(
        head, ("３", "修好", "破损", "座椅", "园林"), (2, "移走", "倒伏", "行道树", "园林"), (5, "", "脏污", "", "")
    )
    seat, tree = sheet_of(file).sub_classes
    assert (seat.code, tree.code) == ("0101", "0102")
    assert [one.limit.amount for one in tree.conditions] == [2, 5]


def test_a_number_with_its_unit_in_the_format_is_read_as_it_is_seen() -> None:
    row = (*LEAK[:4], 3, *LEAK[5:])
    assert sheet_of(workbook(HEAD, row, formats={"E2": '0"个工作日"'})) == sheet_of(
        workbook(HEAD, (*LEAK[:4], "3个工作日", *LEAK[5:]))
    )
    coded = workbook(HEAD, (LEAK[0], 101, *LEAK[2:]), formats={"B2": "0000"})
    assert sheet_of(coded).sub_classes[0].code == "0101"


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        (2, {}),
        (2.5, {}),
        (datetime(2026, 2, 3), {}),
        (date(2026, 2, 3), {}),
        (time(2, 0), {}),
        (datetime(2026, 1, 1, 2, 0), {"formats": {"E2": "yyyy-mm-dd hh:mm"}}),
        ("2-3小时", {}),
        ("尽快", {}),
        ("=1+1", {}),
        (True, {}),
    ],
)
def test_a_limit_that_cannot_be_read_is_refused_with_its_row(limit: Any, more: dict[str, Any]) -> None:
    code = "missing" if limit == "=1+1" else "limit_unreadable"
    assert refusals(HEAD, (*LEAK[:4], limit, *LEAK[5:]), ROAD, **more) == [(2, "limit", code)]


def test_every_row_that_cannot_be_read_says_its_own_reason() -> None:
    rows = [
        LEAK,
        (None, None, None, "", "1小时", "", None, None, None),
        (None, None, None, "爆裂", "1小时", "", None, None, None),
        ("公用设施", "01 02", "路灯", "不亮", "1小时"),
        ("公用设施", "", "灯杆", "不亮", "1小时"),
        ("公用设施", "0101", "供水管", "滴漏", "1小时"),
        ("公用设施", "0103", "井盖", "#REF!", "1小时"),
        ("公用设施", "0104", "井盖", "缺失\tx", "一周"),
    ]
    assert refusals(HEAD, *rows) == [
        (3, "case", "missing"),
        (4, "case", "condition_twice"),
        (5, "code", "code_malformed"),
        (6, "code", "missing"),
        (7, "name", "sub_class_differs"),
        (8, "case", "broken_formula"),
        (9, "case", "control_character"),
        (9, "limit", "limit_unreadable"),
    ]


def test_a_workbook_without_the_columns_or_without_rows_says_so() -> None:
    assert refusals(("甲", "乙"), (1, 2)) == [(0, "", "no_header")]
    assert refusals(HEAD) == [(0, "", "no_rows")]
    assert refusals(("类别", *HEAD), ("设施", *LEAK)) == [(2, "kind", "unknown_kind")]


def test_all_visible_tables_make_one_sheet_and_hidden_ones_do_not_count() -> None:
    book = openpyxl.Workbook()
    for name, rows in (
        ("部件", [HEAD, LEAK]),
        ("事件", [HEAD, ("街面", "0201", "摆摊", "占道", "2工作小时")]),
        ("旧", [HEAD, ("x",)]),
    ):
        page = book.create_sheet(name)
        for row in rows:
            page.append(list(row))
    book["旧"].sheet_state = "hidden"
    assert [one.code for one in sheet_of(saved(book)).sub_classes] == ["0101", "0201"]


@pytest.mark.parametrize("file", [b"", b"PK\x03\x04", b"<html>", b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_what_is_no_workbook_is_refused(file: bytes) -> None:
    with pytest.raises(Unacceptable, match="file_is_broken"):
        read_workbook(file)


def test_a_cell_far_away_does_not_fill_the_memory() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["XFD1048576"] = 1
    with pytest.raises(Unacceptable, match="file_too_large"):
        read_workbook(saved(book))


def test_what_a_new_sheet_changes_is_told_by_code() -> None:
    before = sheet_of(workbook(HEAD, LEAK, ROAD))
    after = sheet_of(workbook(HEAD, (*LEAK[:4], "2小时", *LEAK[5:]), ("街面", "0201", "摆摊", "占道", "2工作小时")))
    changes = compare_sheets(before, after)
    assert (changes.added, changes.changed, changes.removed) == (("0201", "0201-1"), ("0101-1",), ("0101-2",))
