// An incident in a list: what it is, where and with whom, and the bar of its steps.
import { get } from "../api.js";
import { has, t, when } from "../config.js";
import { el } from "../dom.js";
import { clockOf } from "./clock.js";

// The names of the departments by code, known as soon as the categories are.
export const unitNames = new Map();

// [code, name] of every category in the language of the page; of one kind, those that serve for it and are not retired.
export async function categoriesOf(kind) {
  const answer = await get("/api/v1/categories");
  for (const { unit, unit_name: name } of answer.categories) if (unit) unitNames.set(unit, name ?? unit);
  const serves = (category) => (category.kind === kind || category.kind === "both") && category.retired == null;
  const wanted = answer.categories.filter((category) => !kind || serves(category));
  return wanted.map((category) => [category.code, category.name]);
}

const WAY = ["reported", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back"];

// Where those stand that are no step of the way themselves.
const LIKE = { triaged: "reported", waiting: "reported", split: "arrived" };

export const stateWords = (state) => (has(`steps.${state}`) ? t(`steps.${state}`) : state);

export function stepBar(state) {
  const at = state === "closed" ? WAY.length : WAY.indexOf(LIKE[state] ?? state);
  return el(
    "div",
    { class: "steps", role: "img", "aria-label": stateWords(state) },
    WAY.map((_, i) => el("i", { class: i < at ? "done" : i === at ? "now" : "" })),
  );
}

// Who looks at it now, else who has it, else why nobody has, else whose it is.
export function whoHas({ field_task: looks, assignment, waiting_text: waits, unit_code: unit }) {
  if (looks) return t(`case.task_${looks.task}`, { name: looks.name });
  return assignment?.name ?? waits ?? unitNames.get(unit);
}

export function incidentRow(incident, names, ...more) {
  const code = incident.current_code;
  const mood = ["critical", "high"].includes(incident.urgency) ? "urgent" : incident.overdue ? "late" : "";
  const who = whoHas(incident) ?? incident.unit_code;
  return el(
    "li",
    { class: mood, "data-incident": incident.id },
    el(
      "header",
      {},
      el("b", {}, names.get(incident.category) ?? incident.category),
      el("span", { class: "quiet" }, when(incident.reported_at)),
      clockOf(incident),
    ),
    incident.description ? el("p", {}, incident.description) : null,
    el(
      "p",
      { class: "quiet" },
      code ? el("a", { href: `/grid/${encodeURIComponent(code)}` }, code) : null,
      [
        ` ${stateWords(incident.state)}`,
        who,
        t(`steps.urgency_${incident.urgency}`),
        incident.overdue ? t("steps.overdue") : null,
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    stepBar(incident.state),
    ...more.filter(Boolean),
  );
}
