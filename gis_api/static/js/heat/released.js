// Layers that derive from residents: released by the month, for communities and above, and nothing else.
import { number, t } from "../config.js";
import { barRow, el, fill } from "../dom.js";

export const LEVELS = ["community", "subdistrict", "district"];

export const isReleased = (layer) => layer.startsWith("resident_");

// The months of each layer, newest first: {resident_incidents: ["2026-10", …]}.
export function monthsOf(releases) {
  const months = {};
  for (const { layer, month } of releases) (months[layer] ??= new Set()).add(month);
  return Object.fromEntries(Object.entries(months).map(([layer, known]) => [layer, [...known].sort().reverse()]));
}

// The level to show when the chosen one is too fine to be released.
export const levelOf = (cell) => (LEVELS.includes(cell) ? cell : LEVELS[0]);

export function queryOf({ layer, cell, month }) {
  return new URLSearchParams({ layer, cell, month });
}

// What the panel says of a month: how many cells are told, and the communities with most.
export function showReleased({ figures, worst, categories, period, dates, updated }, { cells, month, smallest, at }) {
  const told = cells.filter((cell) => cell.n != null);
  fill(
    figures,
    [
      ["released_shown", told.length],
      ["released_hidden", cells.length - told.length],
    ].map(([key, value]) => el("div", {}, el("b", {}, number(value)), el("span", {}, t(`heat.${key}`)))),
  );
  const top = [...told].sort((a, b) => b.n - a.n).slice(0, 6);
  const rows = top.map((cell) =>
    barRow(cell.name || cell.cell, { share: cell.n / top[0].n, colour: "var(--heat-4)", figure: number(cell.n) }),
  );
  fill(worst, top.length ? rows : el("li", { class: "empty" }, t("heat.released_none")));
  fill(categories, el("li", { class: "empty" }, t("heat.released_how", { smallest })));
  period.textContent = t("heat.released_month", { month });
  dates.textContent = month;
  updated.textContent = t("heat.released_at", { time: at.slice(0, 10) });
}
