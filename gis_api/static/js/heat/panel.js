// Legend and panel of the heat page.
import { changeInWords, clock, measure, number, t } from "../config.js";
import { barRow, el, fill, svg } from "../dom.js";

const HATCH = "few-pattern";

function hatch() {
  return svg(
    "svg",
    { viewBox: "0 0 22 14" },
    svg(
      "defs",
      {},
      svg(
        "pattern",
        { id: HATCH, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("rect", { width: 5, height: 5, fill: "var(--line)" }),
        svg("line", { x1: 0, y1: 0, x2: 0, y2: 5, stroke: "var(--quiet)", "stroke-width": 2 }),
      ),
    ),
    svg("rect", { width: 22, height: 14, fill: `url(#${HATCH})` }),
  );
}

export function showLegend(box, { scale, layer, per, unknown }) {
  const rows = scale.classes.map(({ colour, words }) =>
    el(
      "li",
      {},
      svg(
        "svg",
        { viewBox: "0 0 22 14", "aria-hidden": "true" },
        svg("rect", { width: 22, height: 14, fill: `var(--${colour})` }),
      ),
      words,
    ),
  );
  if (unknown)
    rows.push(
      el(
        "li",
        {},
        svg(
          "svg",
          { viewBox: "0 0 22 14", "aria-hidden": "true" },
          svg("rect", { width: 22, height: 14, fill: "var(--ground)" }),
        ),
        t(`heat.unknown_${per}`),
      ),
    );
  rows.push(el("li", {}, hatch(), t("heat.few")));
  fill(box, el("h2", {}, t(`heat.legend_${per}`, { layer: t(`heat.layer_${layer}`) })), el("ul", {}, rows));
}

export function totals(total, layer) {
  return layer === "hazards"
    ? [
        ["found", total.hazards],
        ["rectified", total.hazards_rectified],
        ["before", total.hazards_before],
        ["grids", total.grids],
      ]
    : [
        ["found", total.incidents],
        ["closed", total.incidents_closed],
        ["open", total.incidents_open],
        ["grids", total.grids],
      ];
}

export function showFigures(box, figures) {
  fill(
    box,
    figures.map(([key, value]) => el("div", {}, el("b", {}, number(value)), el("span", {}, t(`heat.${key}`)))),
  );
}

export function showWorst(list, cells) {
  const top = cells
    .filter((cell) => cell.n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, 6);
  if (!top.length) {
    fill(list, el("li", { class: "empty" }, t("heat.empty")));
    return;
  }
  fill(
    list,
    top.map((cell) =>
      barRow(shortName(cell), {
        share: cell.n / top[0].n,
        colour: "var(--heat-4)",
        figure: number(cell.n),
        note: changeOf(cell.n, cell.before),
      }),
    ),
  );
}

// 金色河畔社区居民委员会 is known as 金色河畔社区.
const shortName = ({ name, cell }) => (name || cell).replace(/(居民|村民)委员会$/, "");

function changeOf(now, before) {
  if (!before) return "";
  const change = Math.round((now / before - 1) * 100);
  if (!change) return "＝";
  const mark = el("span", { class: change > 0 ? "bad" : "good" }, `${change > 0 ? "▲" : "▼"}${Math.abs(change)}%`);
  return mark;
}

export function showCategories(list, counts, names) {
  const entries = Object.entries(counts ?? {})
    .filter(([, n]) => n)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 7);
  if (!entries.length) {
    fill(list, el("li", { class: "empty" }, t("heat.empty")));
    return;
  }
  fill(
    list,
    entries.map(([code, n]) =>
      barRow(names.get(code) ?? code, {
        share: n / entries[0][1],
        colour: "var(--accent)",
        figure: number(n),
        note: "",
      }),
    ),
  );
}

export function showPeriod(title, dates, updated, { from, to }) {
  title.textContent = t("heat.period_dates", { from, to: to.slice(5) });
  dates.textContent = `${from} — ${to}`;
  updated.textContent = t("heat.updated", { time: clock(Date.now()).slice(0, 5) });
}

export function wordsOf({ n, rate, suppressed }, per) {
  if (suppressed || n == null) return t("heat.few");
  if (per === "households") return rate == null ? t("heat.no_households") : t("heat.cell_rate", { n: measure(rate) });
  if (per === "change")
    return `${t("heat.cell_count", { n: number(n) })} · ${t("heat.cell_change", { n: changeInWords(rate) })}`;
  return t("heat.cell_count", { n: number(n) });
}
