// The cases behind one number, and why they are late.
import { get } from "../api.js";
import { config, has, number, t, when } from "../config.js";
import { byId, el, failureBox, fill, present, skeleton, stacking } from "../dom.js";

const GAP_PX = 12;
const COLUMNS = ["reported", "category", "street", "code", "state", "late", "due", "who"];
const stepName = (step) => (has(`evaluation.step_${step}`) ? t(`evaluation.step_${step}`) : step);

/**
 * @typedef {object} List
 * @property {string} address
 * @property {string} figure
 * @property {string} rowName
 * @property {Map<string, string>} categories
 * @property {() => void} close
 */

/** @type {(list: List) => Promise<void>} */
export async function showBehind({ address, figure, rowName, categories, close }) {
  const box = byId("behind");
  box.hidden = false;
  box.dataset.figure = figure;
  fill(box, skeleton(4));
  let told;
  try {
    told = await get(address);
  } catch (problem) {
    const again = () => showBehind({ address, figure, rowName, categories, close });
    fill(box, failureBox(problem, again));
    return;
  }
  const title = { row: rowName, figure: t(`evaluation.figure_${figure}`), n: number(told.n) };
  const body = el("tbody", {});
  const head = COLUMNS.map((name) => el("th", { scope: "col" }, t(`evaluation.column_${name}`)));
  const table = el("table", { "data-test": "figures-cases" }, el("thead", {}, el("tr", {}, head)), body);
  const more = el("button", { type: "button", "data-test": "figures-more" });
  let next = told.next;
  const add = (cases) => {
    body.append(...cases.map((one) => caseRow(one, categories)));
    stacking(table);
    more.hidden = !next;
    more.textContent = t("evaluation.more", { n: number(told.n - body.rows.length) });
  };
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const page = await get(next);
      next = page.next;
      add(page.incidents);
    } catch (problem) {
      more.after(failureBox(problem, () => more.click()));
    }
    more.disabled = false;
  });
  fill(
    box,
    el(
      "header",
      {},
      el("h2", { "data-test": "figures-behind-title" }, t("evaluation.behind", title)),
      el(
        "button",
        { type: "button", class: "small", onclick: close, "data-test": "figures-close" },
        t("evaluation.close"),
      ),
    ),
    reasons(told, categories),
    told.n ? el("div", { class: "scroll" }, table) : el("p", { class: "empty" }, t("evaluation.empty")),
    more,
  );
  add(told.incidents);
  box.focus({ preventScroll: true });
  // Not scrollIntoView: that moves the whole page too, and the bar at its top out of sight.
  const column = present(box.closest(".column"));
  column.scrollBy(0, box.getBoundingClientRect().top - column.getBoundingClientRect().top - GAP_PX);
}

function reasons(told, categories) {
  const late = told.late_steps.filter(({ name }) => name);
  const chip = (name, n, bad) =>
    el("span", { class: bad ? "chip bad" : "chip" }, t("evaluation.late_in", { step: name, n: number(n) }));
  return el(
    "p",
    { class: "reasons", "data-test": "figures-why" },
    late.length ? el("b", {}, t("evaluation.why")) : null,
    late.map(({ name, n }) => chip(stepName(name), n, true)),
    told.categories.map(({ name, n }) => chip(categories.get(name) ?? name, n, false)),
  );
}

function caseRow(one, categories) {
  const shown = config.cases ? el("a", { href: `/incidents/${one.id}` }, when(one.reported_at)) : when(one.reported_at);
  const state = has(`steps.${one.state}`) ? t(`steps.${one.state}`) : one.state;
  const reason =
    one.waiting_reason && has(`dispatch.${one.waiting_reason}`) ? t(`dispatch.${one.waiting_reason}`) : null;
  const cells = [
    shown,
    categories.get(one.category) ?? one.category,
    one.subdistrict ?? "—",
    one.code ? el("span", { title: one.code }, one.place || one.code) : "—",
    [state, reason ? el("small", {}, t("evaluation.waits_for", { reason })) : null],
    one.late_step ? el("b", { class: "late" }, stepName(one.late_step)) : t("evaluation.in_time"),
    when(one.due_at),
    [one.worker_name || one.worker, one.unit_name || one.unit].filter(Boolean).join(" · ") || "—",
  ];
  return el(
    "tr",
    { "data-case": one.id },
    cells.map((cell) => el("td", {}, cell)),
  );
}
