"""A sheet read from rows as a person sees them: every row that cannot be read is named with its column and words.

The columns are found by their names, in whichever order; of the class and the sub-class a row may leave out what the
row above has said. A unit in the head of the limits ("处置时限（小时）") or in a column beside them counts for numbers
alone. Nothing is guessed: with one refusal there is no sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from layers.clocks import Limit
from layers.standards.limits import is_unit, make_plain, read_limit
from layers.standards.sheet import Condition, StandardSheet, SubClass, code_of

# So many sub-classes and conditions has no city; so many refusals does nobody read.
MOST_CONDITIONS, MOST_REFUSED = 5_000, 200
LONGEST = {"class": 100, "code": 30, "name": 100, "supervising": 200, "responsible": 200}
LONGEST_TEXT = 2_000
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "kind": ("类别", "类型", "案件类型", "部件事件", "部件/事件", "kind", "type"),
    "class": ("大类", "大类名称", "案件大类", "class"),
    "code": ("小类代码", "小类编码", "小类编号", "案件代码", "代码", "编码", "code", "subclasscode", "sub_classcode"),
    "name": ("小类", "小类名称", "案件小类", "subclass", "sub_class", "sub-class", "name"),
    "case": ("立案条件", "立案标准", "立案规范", "问题描述", "condition", "whatmakesitacase", "case"),
    "limit": ("处置时限", "时限", "处理时限", "办理时限", "处置期限", "limit", "timelimit"),
    "unit": ("时限单位", "时限类型", "计时方式", "计时单位", "limitunit", "limitkind", "unitoflimit"),
    "closes": ("结案条件", "结案标准", "结案要求", "结案规范", "closes", "whatclosesit", "closing"),
    "supervising": ("主管部门", "主管单位", "监管部门", "supervising", "supervisingunit"),
    "responsible": ("责任部门", "责任单位", "处置部门", "处置单位", "权属单位", "responsible", "responsibleunit"),
    "basis": ("法律依据", "法规依据", "依据", "执法依据", "basis", "legalbasis"),
}
NEEDED = ("class", "name", "case", "limit")
OF_SUB_CLASS = ("kind", "class", "code", "name", "supervising", "responsible", "basis")
_KINDS = {
    "部件": "component",
    "事件": "event",
    "component": "component",
    "event": "event",
    "components": "component",
    "events": "event",
}
_CODE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.\-]{0,28}[0-9A-Za-z])?")
# Tab, carriage return and all that no page shows; a line may have several lines.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BROKEN = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)")
# What a spreadsheet would take for a formula is written with an apostrophe before it, and read without.
_GUARDED = re.compile(r"'+(?=[=+\-@＝＋－＠])")
_REMARK = re.compile(r"(?:备?注|说明|附注|填表|note|remark)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SheetRows:
    """One table as texts: its title, and by row number (from 1) the cells; `own` are the cells a row has by itself and
    not from one that is merged over several rows."""

    title: str
    rows: Sequence[tuple[int, Sequence[str | None]]]
    own: Mapping[int, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """Why a row cannot be read: a code, the column, and what stands there."""

    sheet: str
    row: int
    column: str
    code: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The sheet, None where anything was refused; `rows` is how many conditions were looked at."""

    sheet: StandardSheet | None
    refused: tuple[RowRefusal, ...]
    rows: int


@dataclass
class _Group:
    """A sub-class while its conditions come in."""

    told: dict[str, str]
    conditions: list[tuple[str, Limit, str]] = field(default_factory=list)


@dataclass
class _Desk:
    """What has been read so far."""

    groups: dict[str, _Group] = field(default_factory=dict)
    refused: list[RowRefusal] = field(default_factory=list)
    rows: int = 0


def read_rows(tables: Sequence[SheetRows]) -> Reading:
    """The sheet that all tables make together; those without the needed columns are left out.

    With none that has them the one refusal is `no_header`, with the columns that are missed.
    """
    desk, headed = _Desk(), False
    for table in tables:
        at = find_header(table)
        if at is not None:
            headed = True
            _read_table(desk, table, at)
    if not headed:
        missing = ", ".join(COLUMNS[name][0] for name in NEEDED)
        return Reading(None, (RowRefusal(tables[0].title if tables else "", 0, "", "no_header", missing),), 0)
    if not desk.refused and desk.rows == 0:
        desk.refused.append(RowRefusal(tables[0].title, 0, "", "no_rows"))
    if desk.rows > MOST_CONDITIONS:
        desk.refused.insert(0, RowRefusal(tables[0].title, 0, "", "too_many_rows", str(MOST_CONDITIONS)))
    sheet = None if desk.refused else StandardSheet(tuple(_sub_classes(desk)))
    return Reading(sheet, tuple(desk.refused[:MOST_REFUSED]), desk.rows)


def find_header(table: SheetRows) -> int | None:
    """At which place of the rows the columns are named, None where they are not."""
    for at, (_, cells) in enumerate(table.rows[:50]):
        if set(NEEDED) <= set(_columns_of(cells)):
            return at
    return None


def _columns_of(cells: Sequence[str | None]) -> dict[str, tuple[int, str]]:
    """Field -> its place and, for limits, the unit that its head names."""
    found: dict[str, tuple[int, str]] = {}
    for at, cell in enumerate(cells):
        head = make_plain(cell or "").replace(" ", "").removeprefix("*").removesuffix("*")
        name, _, rest = head.partition("(")
        said = rest.removesuffix(")")
        for column, names in COLUMNS.items():
            if name in names and column not in found:
                found[column] = (at, said if column == "limit" and is_unit(said) else "")
    return found


def _read_table(desk: _Desk, table: SheetRows, header: int) -> None:
    columns = _columns_of(table.rows[header][1])
    above: dict[str, str] = {}
    for number, cells in table.rows[header + 1 :]:
        own = table.own.get(number, frozenset(at for at, cell in enumerate(cells) if cell))
        if not own or _is_remark(cells, own):
            continue
        row = _ConditionRow(desk, table.title, number, {name: _cell(cells, at) for name, (at, _) in columns.items()})
        row.clean()
        _carry_down(row.told, above)
        row.read(unit_of_head=columns["limit"][1], coded="code" in columns)
        above = {name: row.told.get(name, "") for name in OF_SUB_CLASS}


def _cell(cells: Sequence[str | None], at: int) -> str:
    text = (cells[at] if at < len(cells) else None) or ""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return text[1:] if _GUARDED.match(text) else text


def _is_remark(cells: Sequence[str | None], own: frozenset[int]) -> bool:
    """A line below the table that says something about it."""
    only = [at for at in own if at < len(cells) and cells[at]]
    return len(only) == 1 and _REMARK.match(cells[only[0]] or "") is not None


def _carry_down(told: dict[str, str], above: Mapping[str, str]) -> None:
    """What the row above has said of the class, and of the sub-class where it is the same one, holds for this row."""
    same = all(told.get(name, "") in ("", above.get(name)) for name in ("name", "code"))
    # A class that is told anew without a kind has none.
    carried = OF_SUB_CLASS if same else ("kind", "class") if not told.get("class") else ()
    for name in carried:
        if name in told and not told[name]:
            told[name] = above.get(name, "")


@dataclass
class _ConditionRow:
    """One row while it is read."""

    desk: _Desk
    sheet: str
    number: int
    told: dict[str, str]
    sound: bool = True

    def refuse(self, column: str, code: str, words: str = "") -> None:
        self.desk.refused.append(RowRefusal(self.sheet, self.number, column, code, words[:80]))
        self.sound = False

    def clean(self) -> None:
        """Refuse what no cell of a sheet may hold."""
        for name, text in self.told.items():
            if _CONTROL.search(text):
                self.refuse(name, "control_character", _CONTROL.sub("·", text))
            elif _BROKEN.fullmatch(text):
                self.refuse(name, "broken_formula", text)
            elif len(text) > LONGEST.get(name, LONGEST_TEXT):
                self.refuse(name, "text_too_long", text)

    def read(self, *, unit_of_head: str, coded: bool) -> None:
        """Take the row's condition into its sub-class."""
        self.desk.rows += 1
        for name in NEEDED:
            if not self.told[name]:
                self.refuse(name, "missing")
        limit = self._limit(unit_of_head)
        kind = _KINDS.get(make_plain(self.told.get("kind", "")), "")
        if self.told.get("kind") and not kind:
            self.refuse("kind", "unknown_kind", self.told["kind"])
        self._check_code(coded=coded)
        if self.sound and limit is not None:
            self._keep(limit, kind)

    def _limit(self, unit_of_head: str) -> Limit | None:
        text, unit = self.told["limit"], self.told.get("unit", "") or unit_of_head
        limit = read_limit(text, unit=unit) if text else None
        if text and limit is None:
            beside = self.told.get("unit", "")
            self.refuse("limit", "limit_unreadable", f"{text} {beside}".strip())
        return limit

    def _check_code(self, *, coded: bool) -> None:
        code = self.told.get("code", "")
        if coded and not code:
            self.refuse("code", "missing")
        elif code and not _CODE.fullmatch(code):
            self.refuse("code", "code_malformed", code)

    def _keep(self, limit: Limit, kind: str) -> None:
        told = {name: self.told.get(name, "") for name in OF_SUB_CLASS} | {"kind": kind}
        key = told["code"] or f"{kind}\n{told['class']}\n{told['name']}"
        group = self.desk.groups.setdefault(key, _Group(told))
        for name, words in told.items():
            # Said once, it holds for all conditions; said in two ways, nobody knows which.
            if words and group.told[name] and words != group.told[name]:
                self.refuse(name, "sub_class_differs", words)
            group.told[name] = group.told[name] or words
        if any(case == self.told["case"] for case, _, _ in group.conditions):
            self.refuse("case", "condition_twice", self.told["case"])
        group.conditions.append((self.told["case"], limit, self.told.get("closes", "")))


def _sub_classes(desk: _Desk) -> Iterator[SubClass]:
    """The sub-classes with their codes; where the file gives none they are numbered by class and place in it."""
    numbers: dict[tuple[str, str], tuple[int, int]] = {}
    for group in desk.groups.values():
        told = group.told
        key = (told["kind"], told["class"])
        of_class, last = numbers.get(key, (len(numbers) + 1, 0))
        numbers[key] = (of_class, last + 1)
        code = told["code"] or f"{of_class:02d}{last + 1:02d}"
        conditions = (
            Condition(code_of(code, number), case, limit, closes)
            for number, (case, limit, closes) in enumerate(group.conditions, start=1)
        )
        yield SubClass(
            code=code,
            class_name=told["class"],
            name=told["name"],
            kind=told["kind"],
            supervising=told["supervising"],
            responsible=told["responsible"],
            basis=told["basis"],
            conditions=tuple(conditions),
        )
