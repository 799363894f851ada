"""What a limit of the standard sheet can look like: read where it means one thing, refused where it means two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.clocks import IN_HOURS, Limit, LimitKind
from layers.errors import Unacceptable
from layers.standards import read_limit, write_limit

URGENT, WORK, DAYS, NATURAL = (
    LimitKind.urgent_hours,
    LimitKind.work_hours,
    LimitKind.work_days,
    LimitKind.natural_days,
)


@pytest.mark.parametrize(
    ("written", "amount", "kind"),
    [
        ("2小时", 2, URGENT),
        ("２小时", 2, URGENT),
        (" 2 小时 ", 2, URGENT),
        ("2\n小时", 2, URGENT),
        ("2.0小时", 2, URGENT),
        ("2个小时内", 2, URGENT),
        ("24h", 24, URGENT),
        ("24 H", 24, URGENT),
        ("２４Ｈ", 24, URGENT),
        ("2 hours", 2, URGENT),
        ("within 2 hrs", 2, URGENT),
        ("紧急2小时", 2, URGENT),
        ("2紧急工时", 2, URGENT),
        ("2小时（紧急）", 2, URGENT),
        ("30分钟", 0.5, URGENT),
        ("半小时", 0.5, URGENT),
        ("半个小时", 0.5, URGENT),
        ("两小时", 2, URGENT),
        ("四十八小时", 48, URGENT),
        ("十二小时", 12, URGENT),
        ("一百二十小时", 120, URGENT),
        ("1.5小时", 1.5, URGENT),
        ("4工作小时", 4, WORK),
        ("4个工作时", 4, WORK),
        ("8工时", 8, WORK),
        ("8小时（工作时间）", 8, WORK),
        ("4 working hours", 4, WORK),
        ("3个工作日", 3, DAYS),
        ("３个工作日", 3, DAYS),
        ("3个工作日内完成", 3, DAYS),
        ("三个工作日", 3, DAYS),
        ("二十个工作日", 20, DAYS),
        ("时限：3工作日", 3, DAYS),
        ("3 working days", 3, DAYS),
        ("3 Business Days", 3, DAYS),
        ("3天（工作日）", 3, DAYS),
        ("7天", 7, NATURAL),
        ("7日内", 7, NATURAL),
        ("7个自然日", 7, NATURAL),
        ("7 calendar days", 7, NATURAL),
        ("2\u200b小时", 2, URGENT),
        ("2\u00a0小时", 2, URGENT),
    ],
)
def test_what_means_one_thing_is_read(written: str, amount: float, kind: LimitKind) -> None:
    assert read_limit(written) == Limit(amount, kind)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "2",
            "2.5",
            "小时",
            "个工作日",
            "立即",
            "尽快",
            "按合同",
            "2-3小时",
            "2~3小时",
            "2至3小时",
            "约2小时",
            "2小时左右",
        ),
        *(
            "2小时或1个工作日",
            "2小时30分钟",
            "1 2小时",
            "1,000小时",
            "2,5小时",
            "-2小时",
            "+2小时",
            "0小时",
            "0个工作日",
        ),
        *(
            "1.5个工作日",
            "半天",
            "半个工作日",
            "一周",
            "1个月",
            "2时",
            "2点",
            "02:00:00",
            "2:00",
            "2026-03-02",
            "3月2日",
        ),
        *(
            "2026-03-02 08:00:00",
            "2²小时",
            "③个工作日",
            "½小时",
            "Ⅱ小时",
            "一百五小时",
            "三十十小时",
            "90秒",
            "1e3小时",
        ),
        *(
            "紧急3个工作日",
            "3个工作日（紧急）",
            "999999小时",
            "99999个工作日",
            "#N/A",
            "2小时?",
            "3个工作日2小时",
            "0.0001小时",
        ),
        *("十百小时", "百小时", "零小时", "٣小时"),
    ],
)
def test_what_could_mean_two_things_or_nothing_is_not_read(written: str) -> None:
    assert read_limit(written) is None


@pytest.mark.parametrize(
    ("written", "unit", "limit"),
    [
        ("2", "小时", Limit(2, URGENT)),
        ("２", "（工作日）", None),
        ("3", "工作日", Limit(3, DAYS)),
        ("3", "work_days", Limit(3, DAYS)),
        ("3", "紧急工时", Limit(3, URGENT)),
        ("4", "工作时", Limit(4, WORK)),
        ("3个工作日", "工作日", Limit(3, DAYS)),
        ("3个工作日", "小时", None),
        ("2小时", "工作日", None),
        ("1.5", "工作日", None),
        ("45", "分钟", Limit(0.75, URGENT)),
        ("2", "次", None),
        ("2026-03-02", "小时", None),
    ],
)
def test_a_unit_beside_speaks_for_a_number_alone_and_may_not_contradict(
    written: str, unit: str, limit: Limit | None
) -> None:
    assert read_limit(written, unit=unit) == limit


def limits() -> st.SearchStrategy[Limit]:
    """Limits of every kind, parts of hours included."""

    def made(kind: LimitKind, hours: float, days: int) -> Limit | None:
        try:
            return Limit(hours, kind) if kind in IN_HOURS else Limit(days, kind)
        except Unacceptable:
            return None

    hours = st.one_of(
        st.integers(1, 80_000).map(float),
        st.integers(1, 6_000).map(lambda minutes: minutes / 60),
        st.floats(0.001, 80_000, allow_nan=False),
    )
    found = st.builds(made, st.sampled_from(LimitKind), hours, st.integers(1, 3_660))
    return found.filter(lambda limit: limit is not None)


@given(limits(), st.sampled_from(["zh-CN", "en"]))
def test_a_limit_in_words_is_read_as_the_same_limit(limit: Limit, lang: str) -> None:
    assert read_limit(write_limit(limit, lang)) == limit


@given(st.text())
def test_no_text_breaks_the_reader(written: str) -> None:
    limit = read_limit(written)
    assert limit is None or read_limit(write_limit(limit)) == limit
