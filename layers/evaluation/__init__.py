"""The evaluation: how areas, units, posts and workers do, for whoever leads them ([E1], [E2]).

A figure is one named predicate (`predicates.py`): the number and the list behind it are made by the same. Numbers come
from what a process keeps (`memory.py`); lists and their sums are read from the tables. What derives from residents is
not counted here: it is released, month by month (`layers.releases`, [A3]).
"""

from layers.evaluation.listing import Behind, list_behind
from layers.evaluation.memory import EvaluationMemory
from layers.evaluation.periods import Against, Period, month_of, read_period
from layers.evaluation.predicates import FIGURES, LEFT_OUT, Figure
from layers.evaluation.questions import LEADING, NONE, By, EvaluationAsked, ask
from layers.evaluation.reading import Evaluation, Row, evaluate
from layers.evaluation.scoring import find_rate, list_rated

__all__ = [
    "FIGURES",
    "LEADING",
    "LEFT_OUT",
    "NONE",
    "Against",
    "Behind",
    "By",
    "Evaluation",
    "EvaluationAsked",
    "EvaluationMemory",
    "Figure",
    "Period",
    "Row",
    "ask",
    "evaluate",
    "find_rate",
    "list_behind",
    "list_rated",
    "month_of",
    "read_period",
]
