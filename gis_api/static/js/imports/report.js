// What came of an import: figures, refused rows with reason and place, the defects of the draft by kind and pair.
import { measure, number, t, has } from "../config.js";
import { el, fill, stacking } from "../dom.js";
import { locate } from "./stage.js";

const MOST_ROWS = 50;
const kindOf = (kind) => (has(`defects.${kind}`) ? t(`defects.${kind}`) : kind);

export function showReport(box, job) {
  const { result } = job;
  const plans = Object.entries(result.plans);
  fill(
    box,
    el("h2", {}, t("imports.step_report")),
    el(
      "p",
      { class: `message ${result.stored ? "good" : "bad"}`, role: "status", "data-test": "imports-counts" },
      t(result.dry_run ? "imports.counts_dry" : "imports.counts", {
        read: number(result.read),
        stored: number(result.stored),
        refused: number(result.refused_count),
      }),
    ),
    el(
      "ul",
      {},
      result.notes.map((note) => el("li", { class: "quiet" }, note.words)),
    ),
    refused(result),
    plans.map(([district, plan]) => coverage(result.coverage[district], plan)),
  );
  box.hidden = false;
}

function refused(result) {
  if (!result.refused_count) return null;
  return el(
    "details",
    { open: true, "data-test": "imports-refused" },
    el("summary", {}, result.reasons.map((one) => `${one.words} ${number(one.count)}`).join(" · ")),
    el(
      "div",
      { class: "scroll" },
      stacking(
        el(
          "table",
          {},
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["row_head", "reason", "detail"].map((key) => el("th", {}, t(`imports.${key}`))),
              el("th", {}),
            ),
          ),
          el(
            "tbody",
            {},
            result.refused
              .slice(0, MOST_ROWS)
              .map((one) =>
                el(
                  "tr",
                  {},
                  el("td", { class: "number" }, number(one.row)),
                  el("td", {}, one.words),
                  el("td", {}, one.detail),
                  el("td", {}, place(one.where)),
                ),
              ),
          ),
        ),
      ),
    ),
  );
}

function place(where) {
  return where
    ? el("button", { type: "button", class: "small", onclick: () => locate(where) }, t("imports.locate"))
    : null;
}

function coverage(told, plan) {
  const kinds = Object.entries(told.by_kind)
    .map(([kind, n]) => `${kindOf(kind)} ${number(n)}`)
    .join(" · ");
  return el(
    "div",
    { class: "answer", "data-test": "imports-coverage" },
    el(
      "p",
      { class: `message ${told.ok ? "good" : ""}` },
      told.ok ? t("imports.coverage_ok") : t("imports.coverage_bad", { kinds }),
    ),
    told.ok && kinds ? el("p", { class: "quiet" }, kinds) : null,
    told.pairs.length
      ? el(
          "details",
          {},
          el("summary", {}, t("imports.pairs", { n: number(told.pair_count) })),
          el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, told.pairs.slice(0, MOST_ROWS).map(pair)))),
        )
      : null,
    el(
      "div",
      { class: "actions" },
      el("a", { class: "button main", href: `/planner?plan=${plan}`, "data-test": "imports-open" }, t("imports.open")),
    ),
  );
}

function pair(one) {
  return el(
    "tr",
    {},
    el("td", {}, kindOf(one.kind)),
    el("td", {}, one.codes.join(t("imports.and"))),
    el("td", { class: "number" }, number(one.count)),
    el("td", { class: "number" }, `${measure(one.area_m2)} m²`),
    el("td", {}, place(one.where)),
  );
}
