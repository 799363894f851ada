// A table that is sorted by a click on a heading, with the sums below.
import { number, t } from "../config.js";
import { el, fill } from "../dom.js";

// `columns`: {key, words, value(row), shown(row)?, sum?}; rows carry what `mark` gives as data attributes.
/**
 * @type {(box: HTMLElement, about: {columns: any[], rows: any[], by: string, mark?: (row: any) => object, choose?:
 *   ((row: any) => void) | null, test: string}) => void}
 */
export function sortable(box, { columns, rows, by, mark = () => ({}), choose = null, test }) {
  let order = { key: by, down: true };
  const draw = () => {
    const column = columns.find((one) => one.key === order.key);
    const sorted = [...rows].sort((a, b) => compare(column.value(a), column.value(b)) * (order.down ? -1 : 1));
    fill(
      box,
      el(
        "table",
        { "data-test": test },
        head(columns, order, (key) => {
          order = { key, down: order.key === key ? !order.down : Boolean(columns.find((one) => one.key === key).sum) };
          draw();
          /** @type {HTMLElement} */ (box.querySelector(`button[data-key="${key}"]`)).focus();
        }),
        el(
          "tbody",
          {},
          sorted.map((row) => line(row, columns, { mark, choose, box })),
        ),
        foot(columns, rows),
      ),
    );
  };
  draw();
}

function compare(a, b) {
  return typeof a === "number" ? a - b : String(a ?? "").localeCompare(String(b ?? ""));
}

function head(columns, order, sort) {
  return el(
    "thead",
    {},
    el(
      "tr",
      {},
      columns.map(({ key, words, sum }) =>
        el(
          "th",
          {
            class: sum ? "number" : "",
            scope: "col",
            "aria-sort": order.key === key ? (order.down ? "descending" : "ascending") : null,
          },
          el("button", { type: "button", "data-key": key, onclick: () => sort(key) }, words),
        ),
      ),
    ),
  );
}

function line(row, columns, { mark, choose, box }) {
  const made = el(
    "tr",
    { ...mark(row), tabindex: choose ? "0" : null },
    columns.map(({ value, shown, sum }) =>
      el("td", { class: sum ? "number" : "" }, shown ? shown(row) : sum ? number(value(row)) : value(row)),
    ),
  );
  if (!choose) return made;
  const act = () => {
    for (const other of box.querySelectorAll("tr.chosen")) other.classList.remove("chosen");
    made.classList.add("chosen");
    choose(row);
  };
  made.addEventListener("click", act);
  made.addEventListener("keydown", (event) => event.key === "Enter" && act());
  return made;
}

function foot(columns, rows) {
  const cells = columns.map(({ value, sum }, i) =>
    el(
      "td",
      { class: sum ? "number" : "" },
      sum ? number(rows.reduce((total, row) => total + value(row), 0)) : i ? "" : t("difference.total"),
    ),
  );
  return el("tfoot", {}, el("tr", {}, cells));
}
