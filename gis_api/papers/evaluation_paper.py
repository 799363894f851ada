"""The evaluation as people print it: one period by area, and in a bulletin by unit and post too; HTML for the PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gis_api import texts
from gis_api.papers.certificate import templates
from gis_api.papers.evaluation import Part
from layers.evaluation import FIGURES, LEFT_OUT, NONE, Row, find_rate

# More columns than these are not read on A4, and more rows than these are a workbook's.
COLUMNS = ("collected", "solved", "fed_back", "open", "on_time", "late", "right_first", "reworked")
FIRST = ("collected", "solved", "fed_back", "late")
MOST_ROWS = 300
CURVE_W, CURVE_H = 1000.0, 150.0


def paper_of(parts: Sequence[Part], weights: Mapping[str, float], *, title: str, lang: str) -> str:
    """The whole document: the first figures and the trend of the first part, a table for each."""
    first = parts[0]
    style = (Path(__file__).parents[1] / "static" / "css" / "paper.css").read_text(encoding="utf-8")
    where = (
        " / ".join(name or code for code, name in first.found.path)
        or first.asked.area
        or texts.text("evaluation.city", lang)
    )
    return (
        templates()
        .get_template("papers/evaluation.html")
        .render(
            t=lambda key, **values: texts.text(f"evaluation.{key}", lang, **values),
            lang=lang,
            style=Markup(style),  # noqa: S704 - ours
            title=texts.text(title, lang),
            where=where,
            first=first,
            heads=[_tell_first(first, name, lang) for name in FIRST],
            figures=[_tell_figure(first, name, lang) for name in FIGURES],
            parts=[(part, part.found.rows[:MOST_ROWS], len(part.found.rows)) for part in parts],
            columns=COLUMNS,
            curve=_draw_curve([counts["collected"] for _, counts in first.found.trend]),
            name_of=partial(_name_of, lang=lang),
            cell_of=_cell_of,
            weights=_tell_weights(weights, lang),
            left_out=[texts.text(f"evaluation.left_out_{name}", lang) for name in LEFT_OUT],
        )
    )


def _tell_first(part: Part, name: str, lang: str) -> dict[str, Any]:
    total = part.found.total
    of, rate = FIGURES[name].of, find_rate(total.counts, name)
    words = {"of": texts.text(f"evaluation.figure_{of}", lang), "rate": _percent(rate)} if of else {}
    share = texts.text("evaluation.of", lang, **words) if words else ""
    return {"name": name, "n": f"{total.counts[name]:,}", "share": share, "change": _change(total, name)}


def _tell_figure(part: Part, name: str, lang: str) -> tuple[str, str, str, str, str]:
    total, of = part.found.total, FIGURES[name].of
    rate, before = find_rate(total.counts, name), total.before
    whole = texts.text(f"evaluation.figure_{of}", lang) if of else ""
    was = "" if before is None else f"{before[name]:,}"
    return name, f"{total.counts[name]:,}", f"{_percent(rate)} · {whole}" if of else "", was, _change(total, name)


def _change(row: Row, name: str) -> str:
    if row.before is None or not row.before[name]:
        return ""
    return f"{row.counts[name] / row.before[name] - 1.0:+.0%}"


def _name_of(part: Part, row: Row, *, lang: str) -> str:
    if row.code == NONE:
        return texts.text("evaluation.none", lang)
    if part.asked.by == "post":
        return texts.text(f"roles_in_grid.{row.code}", lang)
    return row.name or row.code


def _cell_of(row: Row, name: str) -> tuple[str, str]:
    rate = find_rate(row.counts, name)
    return f"{row.counts[name]:,}", "" if rate is None else _percent(rate)


def _percent(rate: float | None) -> str:
    return "—" if rate is None else f"{rate:.1%}"


def _tell_weights(weights: Mapping[str, float], lang: str) -> list[str]:
    told = []
    for name, weight in weights.items():
        way = f" ({texts.text('evaluation.better_low', lang)})" if FIGURES[name].better == "low" else ""
        figure = texts.text(f"evaluation.figure_{name}", lang)
        told.append(texts.text("evaluation.formula_of", lang, figure=figure, weight=f"{weight:g}", way=way))
    return told


def _draw_curve(values: Sequence[int]) -> Markup:
    """The numbers as bars, their looks in attributes: no style sheet reaches an SVG inside a PDF."""
    top, wide = max(1, *values, 1), CURVE_W / max(1, len(values))
    bars = "".join(
        f'<rect x="{at * wide + 2:.1f}" y="{CURVE_H * (1 - n / top):.1f}" width="{wide - 4:.1f}"'
        f' height="{CURVE_H * n / top:.1f}"/>'
        for at, n in enumerate(values)
    )
    head = f'<svg class="chart" viewBox="0 0 {CURVE_W:.0f} {CURVE_H + 2:.0f}" role="img"><g fill="#0b66d8">'
    return Markup(f"{head}{bars}</g></svg>")  # noqa: S704 - numbers
