// The chart of one figure: a line over the parts of the period, bars by row.
import { number, t } from "../config.js";
import { barRow, el, fill, svg } from "../dom.js";

const HEIGHT = 100;

// One line per figure over the parts; the highest point has its number beside it.
export function drawTrend(box, { trend, figure, words }) {
  const values = trend.map((part) => part.figures[figure].n);
  const top = Math.max(1, ...values);
  const wide = Math.max(1, values.length - 1);
  const at = (i, value) =>
    `${(values.length === 1 ? 0.5 : i).toFixed(2)},${(HEIGHT - 6 - (value / top) * 86).toFixed(2)}`;
  const line = values.map((value, i) => at(i, value)).join(" ");
  const stroke = { fill: "none", "vector-effect": "non-scaling-stroke" };
  const picture = svg(
    "svg",
    { class: "trend", viewBox: `0 0 ${wide} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
    svg("line", { x1: 0, x2: wide, y1: HEIGHT - 6, y2: HEIGHT - 6, stroke: "var(--line)", ...stroke }),
    svg("polygon", {
      points: `0,${HEIGHT - 6} ${line} ${wide},${HEIGHT - 6}`,
      fill: "var(--accent-wash)",
    }),
    svg("polyline", { points: line, stroke: "var(--accent)", "stroke-width": 1.8, ...stroke }),
  );
  fill(
    box,
    trend.length ? picture : el("p", { class: "empty" }, t("evaluation.empty")),
    trend.length
      ? el(
          "div",
          { class: "ends" },
          el("span", {}, trend[0].period),
          el("span", {}, t("evaluation.highest", { n: number(Math.max(0, ...values)) })),
          el("span", {}, trend[trend.length - 1].period),
        )
      : null,
  );
}

// One bar per row, the longest first, with what it was before as an outline.
export function drawBars(box, { rows, figure, nameOf }) {
  const value = (row) => row.figures[figure].n;
  const was = (row) => row.before?.[figure].n ?? null;
  const top = Math.max(1, ...rows.map((row) => Math.max(value(row), was(row) ?? 0)));
  const sorted = [...rows].sort((a, b) => value(b) - value(a));
  fill(
    box,
    sorted.map((row) =>
      barRow(nameOf(row), {
        share: value(row) / top,
        was: was(row) == null ? null : was(row) / top,
        colour: "var(--accent)",
        figure: number(value(row)),
        note: was(row) == null ? "" : `(${number(was(row))})`,
      }),
    ),
  );
}
