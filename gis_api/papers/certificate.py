"""The coverage certificate as people read it: one body for the page and for the PDF, in either language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gis_api import texts
from layers.planning import Outline, PlanChart

# More names than this cover the map that they explain.
MOST_LABELS = 60
VIEW_PX = 1000.0
FONTS = "Noto Sans CJK SC, Source Han Sans SC, WenQuanYi Micro Hei, sans-serif"
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Facts:
    """One block of the certificate: its heading, and names with values."""

    heading: str
    rows: tuple[tuple[str, str], ...]


def body_of(told: Mapping[str, Any], certificate: Mapping[str, Any], chart: PlanChart, *, lang: str) -> Markup:
    """The certificate as HTML without styles: headline, facts, map, and how to check the digests."""
    template = templates().get_template("papers/certificate_body.html")
    return Markup(  # noqa: S704 - rendered with autoescape
        template.render(
            t=partial(_text, lang),
            plan=told,
            certificate=certificate,
            blocks=tuple(_blocks(told, certificate, lang)),
            chart=draw_svg(chart),
            scale_m=chart.width_m,
        )
    )


def document_of(told: Mapping[str, Any], certificate: Mapping[str, Any], chart: PlanChart, *, lang: str) -> str:
    """The whole document for printing, its style sheet inside."""
    template = templates().get_template("papers/certificate.html")
    style = (Path(__file__).parents[1] / "static" / "css" / "paper.css").read_text(encoding="utf-8")
    body = body_of(told, certificate, chart, lang=lang)
    return template.render(lang=lang, title=_text(lang, "title"), style=Markup(style), body=body)  # noqa: S704 - ours


def _text(lang: str, key: str, /, **values: object) -> str:
    return texts.text(key if "." in key else f"certificate.{key}", lang, **values)


def _blocks(told: Mapping[str, Any], certificate: Mapping[str, Any], lang: str) -> Iterator[Facts]:
    t, counts = partial(_text, lang), certificate["counts"]
    yield Facts(t("plan"), tuple(_plan_rows(told, certificate, lang)))
    numbers = ("grids", "sub_grids", "overlays", "households", "buildings")
    areas = certificate.get("areas", {})
    rows = [(t(f"n_{name}"), _number(counts[name])) for name in numbers if name in counts]
    rows += [(t(name), f"{areas[name]:,.2f} m²") for name in ("frame_m2", "grids_m2") if name in areas]
    yield Facts(t("counts"), (*rows, (t("errors"), _number(counts.get("errors", 0)))))
    tolerances = certificate["tolerances"]
    share = f"{tolerances['contained_share']:.0%}"
    metres = tuple((t(name), f"{tolerances[name]:g} m") for name in ("snap_m", "sliver_m"))
    yield Facts(t("tolerances"), (*metres, (t("contained_share"), share)))
    warnings = certificate["warnings_acknowledged"]
    listed = tuple((t(f"defects.{kind}"), _number(number)) for kind, number in warnings.items())
    by = (t("acknowledged_by"), _name_actor(certificate, "submitted", lang))
    yield Facts(t("warnings"), (*listed, by) if listed else ((t("warnings"), t("no_warnings")),))
    yield Facts(t("people"), tuple(_people(certificate, lang)))


def _plan_rows(told: Mapping[str, Any], certificate: Mapping[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    t, base = partial(_text, lang), certificate.get("base")
    yield t("district"), f"{told['district_name']} {certificate['district']}"
    yield t("plan_version"), str(certificate["plan_version"])
    yield t("base"), t("base_none") if base is None else t("base_of", n=base["plan_version"] or base["plan"])
    yield t("effective_at"), _moment(told.get("effective_at") or certificate["published_at"])


def _people(certificate: Mapping[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    t = partial(_text, lang)
    edits = {one["by"]: one for one in certificate.get("edits", [])}
    for name in certificate["edited_by"]:
        one = edits.get(name)
        told = t("edited_import") if one is None else _describe_edits(one, lang)
        yield t("edited"), f"{name}{t('pause')}{told}"
    yield t("submitted"), _name_actor(certificate, "submitted", lang)
    yield t("published"), _name_actor(certificate, "published", lang)


def _describe_edits(one: Mapping[str, Any], lang: str) -> str:
    first, last = _moment(one["first_at"]), _moment(one["last_at"])
    return _text(lang, "n_edits", n=one["edits"], first=first, last=last)


def _name_actor(certificate: Mapping[str, Any], step: str, lang: str) -> str:
    at = certificate.get(f"{step}_at")
    name = certificate[f"{step}_by"] or "—"
    return f"{name}{_text(lang, 'pause')}{_moment(at)}" if at else str(name)


def _moment(told: str) -> str:
    """A moment in China's time, to the minute: a certificate is read where the district lies."""
    return f"{datetime.fromisoformat(told).astimezone(CHINA):%Y-%m-%d %H:%M}"


def _number(value: int) -> str:
    return f"{value:,}"


def draw_svg(chart: PlanChart) -> Markup:
    """The map as SVG, one thousand units wide, its looks in attributes: no style sheet reaches an SVG inside a PDF."""
    scale = VIEW_PX / max(chart.width_m, 1.0)
    height = max(chart.height_m * scale, 1.0)
    place = partial(_place, scale=scale, height=height)
    parts = [f'<svg class="chart" viewBox="-6 -6 {VIEW_PX + 12:.0f} {height + 12:.0f}" role="img">']
    for kind, fill in (("base", "#ffffff"), ("dedicated", "#dfe8d3")):
        shapes = "".join(_path(one, place) for one in chart.grids if one.kind == kind)
        parts.append(f'<g fill="{fill}" stroke="#7d9cc2" stroke-width="0.9" stroke-linejoin="round">{shapes}</g>')
    rings = "".join(_path(one, place) for one in chart.communities)
    parts.append(f'<g fill="none" stroke="#1f4e8c" stroke-width="2.4" stroke-linejoin="round">{rings}</g>')
    if len(chart.communities) <= MOST_LABELS:
        names = "".join(_label(one, place) for one in chart.communities)
        words = f'font-size="17" font-family="{FONTS}" text-anchor="middle"'
        # The halo first, for not every reader of SVG knows paint-order.
        parts.append(f'<g {words} fill="#ffffff" stroke="#ffffff" stroke-width="4">{names}</g>')
        parts.append(f'<g {words} fill="#1d2733">{names}</g>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - numbers, and names that were escaped


def _place(x: float, y: float, *, scale: float, height: float) -> str:
    return f"{x * scale:.1f} {height - y * scale:.1f}"


def _path(one: Outline, place: Any) -> str:
    drawn = "".join("M" + "L".join(place(x, y) for x, y in ring) + "Z" for ring in one.rings)
    return f'<path d="{drawn}"/>'


def _label(one: Outline, place: Any) -> str:
    x, y = place(*one.label).split()
    return f'<text x="{x}" y="{y}">{escape(one.name)}</text>'


@cache
def templates() -> Environment:
    """What papers are made from: everything escaped, nothing left undefined."""
    folder = Path(__file__).parents[1] / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
