// The table of all rows: each number opens its list, each head orders by its column.
import { changeInWords, number, t } from "../config.js";
import { el, fill, stacking } from "../dom.js";

export const percent = (rate) => (rate == null ? "—" : `${(rate * 100).toFixed(1)}%`);

// How a number stands beside the one before, as a sign and a share.
export function change(value, before) {
  if (!before || !before.n) return before && value.n ? "+" : "";
  return changeInWords((value.n - before.n) / before.n);
}

const ORDER = {
  rank: (row) => row.rank ?? Infinity,
  name: null,
  score: (row) => -(row.score ?? -1),
};

/**
 * @typedef {object} Furnishing
 * @property {any} told
 * @property {string} sorted
 * @property {(by: string) => void} sort
 * @property {(figure: string, row: any) => void} open
 * @property {((row: any) => void) | null} into
 * @property {(row: any) => string} nameOf
 */

/** @type {(box: HTMLElement, how: Furnishing) => void} */
export function drawTable(box, { told, sorted, sort, open, into, nameOf }) {
  if (!told.rows.length) {
    fill(box, el("p", { class: "empty", "data-test": "figures-empty" }, t("evaluation.no_rows")));
    return;
  }
  const figures = told.figures.map(({ figure }) => figure);
  const by = sorted in ORDER ? ORDER[sorted] : (row) => -row.figures[sorted].n;
  const rows = [...told.rows].sort((a, b) => (by ? by(a) - by(b) : nameOf(a).localeCompare(nameOf(b))));
  const head = (key, words, numeric) =>
    el(
      "th",
      { scope: "col", class: numeric ? "number" : "", "aria-sort": sorted === key ? "descending" : null },
      el("button", { type: "button", "data-sort": key, onclick: () => sort(key) }, words),
    );
  const heads = [
    head("rank", t("evaluation.rank"), true),
    head("name", t("evaluation.name"), false),
    head("score", t("evaluation.score"), true),
    ...figures.map((figure) => head(figure, t(`evaluation.figure_${figure}`), true)),
  ];
  const line = (row, name) =>
    el(
      "tr",
      { "data-row": row.code },
      el("td", { class: "number" }, row.rank == null ? "—" : number(row.rank)),
      el("td", {}, name),
      el("td", { class: "number" }, row.score == null ? "—" : row.score.toFixed(1)),
      figures.map((figure) => cell(row, figure, open)),
    );
  const name = (row) =>
    into && row.code !== "-"
      ? el("button", { type: "button", class: "n", "data-into": row.code, onclick: () => into(row) }, nameOf(row))
      : nameOf(row);
  fill(
    box,
    stacking(
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, heads)),
        el(
          "tbody",
          {},
          rows.map((row) => line(row, name(row))),
        ),
        el("tfoot", {}, line(told.total, el("b", {}, t("evaluation.total")))),
      ),
    ),
  );
}

function cell(row, figure, open) {
  const value = row.figures[figure];
  return el(
    "td",
    { class: figure === "late" && value.n ? "number late" : "number" },
    numberButton(row, figure, open),
    value.rate == null ? null : el("small", {}, percent(value.rate)),
  );
}

export function numberButton(row, figure, open) {
  const { n } = row.figures[figure];
  const words = `${t(`evaluation.figure_${figure}`)} ${number(n)}`;
  const attributes = { "data-figure": figure, "aria-label": words, disabled: !n, onclick: () => open(figure, row) };
  return el("button", { type: "button", class: "n", ...attributes }, number(n));
}
