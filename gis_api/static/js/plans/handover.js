// What each worker takes and hands over, in sums; the lists themselves are workbooks.
import { get } from "../api.js";
import { config, number, t } from "../config.js";
import { el, failureBox, fill, stacking } from "../dom.js";
import { pathOf } from "../parts/plan_steps.js";

const SHOWN = 100;

export async function showHandover(box, plan, against = plan.based_on) {
  const query = `against=${encodeURIComponent(against)}`;
  // A browser asks for a download in its own language, not in that of the page.
  const book = `${pathOf(plan.id)}/handover.xlsx?${query}&lang=${config.lang}`;
  try {
    const { workers, unserved } = await get(`${pathOf(plan.id)}/handover?${query}`);
    const heads = ["worker", "taken", "handed", "list"];
    const table = el(
      "table",
      { "data-test": "handover" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((key) => el("th", { scope: "col" }, t(`plan.${key}`))),
        ),
      ),
      el(
        "tbody",
        {},
        workers.slice(0, SHOWN).map((one) => row(one, book)),
      ),
    );
    fill(
      box,
      workers.length || unserved.length
        ? el(
            "p",
            {},
            el(
              "a",
              { class: "button", href: book, download: true, "data-test": "handover-book" },
              t("plan.whole_list"),
            ),
          )
        : null,
      workers.length
        ? el("div", { class: "scroll" }, stacking(table))
        : el("p", { class: "empty" }, t("plan.no_handover")),
    );
  } catch (problem) {
    const again = () => showHandover(box, plan, against);
    fill(box, failureBox(problem, again));
  }
}

function row(one, book) {
  return el(
    "tr",
    { "data-worker": one.worker },
    el("td", {}, one.name, el("br"), el("span", { class: "quiet" }, one.worker)),
    el("td", {}, inWords(one.taken)),
    el("td", {}, inWords(one.handed)),
    el(
      "td",
      {},
      el("a", { href: `${book}&worker=${encodeURIComponent(one.worker)}`, download: true }, t("plan.own_list")),
    ),
  );
}

function inWords({ grids, buildings, households, incidents, hazards }) {
  if (!grids.length && !buildings && !incidents && !hazards) return "—";
  // What is none is not told: hundreds of rows would say nothing else.
  const sums = Object.entries({ buildings, households, incidents, hazards }).filter(([, n]) => n);
  const words = sums.map(([key, n]) => el("span", {}, t(`plan.handover_${key}`, { n: number(n) })));
  return [
    grids.length ? el("div", {}, grids.join(t("planner.and"))) : null,
    words.length
      ? el(
          "div",
          { class: "sum" },
          words.flatMap((word, i) => (i ? [" · ", word] : [word])),
        )
      : null,
  ];
}
