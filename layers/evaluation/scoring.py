"""The weighted score of a row, and its rank ([E1]).

    score = 100 x the sum of weight x share, by the sum of the weights

over the figures that have a weight and something to take their rate of. The share is the rate where more is better and
one less the rate where less is better. A row that has nothing to be judged by has no score and no rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layers.evaluation.predicates import FIGURES

Counts = Mapping[str, int]


def list_rated() -> list[str]:
    """The figures that a weight can be given to."""
    return [figure.name for figure in FIGURES.values() if figure.better]


def find_rate(counts: Counts, name: str) -> float | None:
    """The share of a figure, 0 to 1; None where it is of nothing."""
    of = FIGURES[name].of
    whole = 0 if of is None else counts[of]
    return counts[name] / whole if whole else None


def find_score(counts: Counts, weights: Mapping[str, float]) -> float | None:
    """The score, 0 to 100; None where nothing can be judged."""
    reached = whole = 0.0
    for name, weight in weights.items():
        rate = find_rate(counts, name)
        if rate is not None:
            reached += weight * (rate if FIGURES[name].better == "high" else 1.0 - rate)
            whole += weight
    return 100.0 * reached / whole if whole else None


def rank(scores: Sequence[float | None]) -> list[int | None]:
    """The place of each, 1 for the best; the same score (to a hundredth, as it is shown) is the same place."""
    shown = [None if score is None else round(score, 2) for score in scores]
    order = sorted((score for score in shown if score is not None), reverse=True)
    return [None if score is None else order.index(score) + 1 for score in shown]
