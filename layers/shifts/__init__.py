"""Duty (值班): shifts [start, end), the shifts of a week, leave and who stands in; who is on duty at any moment ([D1]).

`table` is what is stored, `expanding` the one statement that says who is on duty, `reads` and `writes` the verbs.
"""

from layers.shifts.ending import count_roster, end_roster
from layers.shifts.expanding import duty_spans
from layers.shifts.reads import (
    MOMENT,
    DutiesAsked,
    Duty,
    find_last_worker,
    has_duty,
    is_on_duty,
    list_duties,
    list_exceptions,
    list_on_duty,
    list_templates,
    merged,
    span_of_day,
    span_of_hours,
)
from layers.shifts.table import (
    CITY_ZONE,
    KINDS,
    LONGEST,
    SPEC,
    CoverMinimum,
    Shift,
    ShiftException,
    ShiftTemplate,
)
from layers.shifts.writes import (
    NewException,
    NewShift,
    NewTemplate,
    add_exceptions,
    add_shifts,
    add_templates,
    put_minimum,
)

__all__ = [
    "CITY_ZONE",
    "KINDS",
    "LONGEST",
    "MOMENT",
    "SPEC",
    "CoverMinimum",
    "DutiesAsked",
    "Duty",
    "NewException",
    "NewShift",
    "NewTemplate",
    "Shift",
    "ShiftException",
    "ShiftTemplate",
    "add_exceptions",
    "add_shifts",
    "add_templates",
    "count_roster",
    "duty_spans",
    "end_roster",
    "find_last_worker",
    "has_duty",
    "is_on_duty",
    "list_duties",
    "list_exceptions",
    "list_on_duty",
    "list_templates",
    "merged",
    "put_minimum",
    "span_of_day",
    "span_of_hours",
]
