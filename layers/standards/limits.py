"""Limits as people write them: "2小时", "3个工作日", "24h", "２个工作日内", "30分钟"; and back into words.

Hours of which nothing is said are hours of the clock, day and night (紧急工时); work hours and work days say so
themselves; bare days are natural days ([K1]). What could mean two things is not read: a number alone (unless a unit is
given beside it), a range, a date, a time of day, "一周", "半天". No official text says how to write one.
"""

from __future__ import annotations

import re

from layers.clocks import Limit, LimitKind
from layers.errors import Unacceptable

# Full-width signs as half-width ones; blanks of any kind as blanks; what has no width as nothing. Not NFKC, which makes
# 22 of "2²" and 3 of "③".
_PLAIN = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys((0x3000, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F), 0x20)
    | dict.fromkeys((0xFEFF, 0x200B, 0x200C, 0x200D, 0x2060))
)
_MINUTES = "minutes"
_UNITS: dict[str, str] = {
    **dict.fromkeys(
        (
            *(
                "小时",
                "钟头",
                "紧急小时",
                "紧急工时",
                "紧急工作时",
                "紧急时",
                "自然小时",
                "h",
                "hr",
                "hrs",
                "hour",
                "hours",
            ),
            *("urgenthour", "urgenthours", "urgent_hours"),
        ),
        str(LimitKind.urgent_hours),
    ),
    **dict.fromkeys(
        (
            *("工作时", "工作小时", "工时", "workhour", "workhours", "work_hours", "workinghour", "workinghours"),
            *("businesshour", "businesshours"),
        ),
        str(LimitKind.work_hours),
    ),
    **dict.fromkeys(
        (
            *("工作日", "工作天", "workday", "workdays", "work_days", "workingday", "workingdays"),
            *("businessday", "businessdays"),
        ),
        str(LimitKind.work_days),
    ),
    **dict.fromkeys(
        (
            *("天", "日", "自然日", "自然天", "日历日", "日历天", "d", "day", "days", "natural_days", "naturalday"),
            *("naturaldays", "calendarday", "calendardays"),
        ),
        str(LimitKind.natural_days),
    ),
    **dict.fromkeys(("分钟", "分", "min", "mins", "minute", "minutes"), _MINUTES),
}
_BEFORE = r"(?:(?:处置|办理|完成)?时限[::]?|限时?|在|于|不超过|最多|至多|within)?"
_AFTER = r"(?:(?:之|以)?内(?:完成|处置|处理|处置完毕|办结|修复|解决)?)?"
_KINDS = r"(?:\((?P<said>紧急|工作时间|工作时|工作小时|工作日)\))?"
_AMOUNT = r"(?P<amount>[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百零半]+)"
_WRITTEN = re.compile(rf"{_BEFORE} ?(?P<urgent>紧急)?{_AMOUNT} ?个?(?P<unit>[^0-9()]*?){_KINDS}{_AFTER}")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CHINESE = re.compile(
    r"(?:(?P<hundreds>[一二两三四五六七八九])百)?(?P<zero>零)?(?:(?P<tens>[一二两三四五六七八九])?(?P<ten>十))?(?P<ones>[一二两三四五六七八九])?"
)
_DIGITS = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"两": 2}
_SAID = {
    "紧急": LimitKind.urgent_hours,
    "工作时间": LimitKind.work_hours,
    "工作时": LimitKind.work_hours,
    "工作小时": LimitKind.work_hours,
    "工作日": LimitKind.work_days,
}
_WORDS = {
    "zh-CN": {
        LimitKind.urgent_hours: "小时",
        LimitKind.work_hours: "工作小时",
        LimitKind.work_days: "个工作日",
        LimitKind.natural_days: "个自然日",
    },
    "en": {
        LimitKind.urgent_hours: " hours",
        LimitKind.work_hours: " working hours",
        LimitKind.work_days: " working days",
        LimitKind.natural_days: " calendar days",
    },
}
_MINUTE_WORDS = {"zh-CN": "分钟", "en": " minutes"}


def make_plain(text: str) -> str:
    """The text with half-width signs, single blanks and small letters."""
    return " ".join(text.translate(_PLAIN).split()).lower()


def read_limit(text: str, *, unit: str = "") -> Limit | None:
    """The limit that a text says, None for one that says none or could mean two things.

    `unit` is what stands beside it, in a column of its own or in the head of the column: it speaks where the text is a
    number alone, and must not contradict it where it is not.
    """
    written, beside = make_plain(text), make_plain(unit)
    if beside and _NUMBER.fullmatch(written):
        return _read(f"{written}{beside}")
    limit = _read(written)
    if limit is None or not beside:
        return limit
    other = _read(f"1{beside}")
    return limit if other is not None and other.kind is limit.kind else None


def is_unit(text: str) -> bool:
    """Whether a text names what a limit counts."""
    return _read(f"1{make_plain(text)}") is not None


def write_limit(limit: Limit, lang: str = "zh-CN") -> str:
    """The limit in words that `read_limit` reads as exactly the same limit."""
    amount, words = _number(limit.amount), _WORDS[lang][limit.kind]
    minutes = round(limit.amount * 60)
    if limit.kind is LimitKind.urgent_hours and not float(limit.amount).is_integer() and minutes / 60 == limit.amount:
        amount, words = str(minutes), _MINUTE_WORDS[lang]
    return f"{amount}{words.removesuffix('s') if amount == '1' else words}"


def _read(written: str) -> Limit | None:
    found = _WRITTEN.fullmatch(written)
    if found is None:
        return None
    amount, unit = _amount(found["amount"]), _UNITS.get(found["unit"].replace(" ", ""))
    kind = None if unit is None else _kind(unit, urgent=found["urgent"] is not None, said=found["said"])
    # Half of something is half an hour; half a day is a morning, or twelve hours.
    if amount is None or kind is None or (found["amount"] == "半" and kind not in _HALVED):
        return None
    try:
        return Limit(amount / 60 if unit == _MINUTES else amount, kind)
    except Unacceptable:
        return None


_HALVED = (LimitKind.urgent_hours, LimitKind.work_hours)


def _kind(unit: str, *, urgent: bool, said: str | None) -> LimitKind | None:
    """What is counted, None where the words contradict each other: "紧急3个工作日"."""
    kind = LimitKind.urgent_hours if unit == _MINUTES else LimitKind(unit)
    if urgent and kind is not LimitKind.urgent_hours:
        return None
    if said is None:
        return kind
    meant = _SAID[said]
    in_words = kind is meant or (kind is LimitKind.urgent_hours and meant is LimitKind.work_hours and not urgent)
    in_days = kind is LimitKind.natural_days and meant is LimitKind.work_days
    return meant if in_words or in_days else None


def _amount(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    if text == "半":
        return 0.5
    found = _CHINESE.fullmatch(text)
    if found is None:
        return None
    hundreds, tens, ones = (_DIGITS.get(found[name] or "", 0) for name in ("hundreds", "tens", "ones"))
    if found["hundreds"] and ones and not (found["zero"] or found["ten"]):
        return None  # "一百五" is 150 to whoever says it
    return float(hundreds * 100 + (tens or (1 if found["ten"] else 0)) * 10 + ones)


def _number(amount: float) -> str:
    """As short as it can be said and read again as the same number."""
    return str(int(amount)) if float(amount).is_integer() else repr(float(amount))
