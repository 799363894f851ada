// The incidents of the reader's area, newest first, with the bar of their steps.
import { get } from "../api.js";
import { t, has, when } from "../config.js";
import { el, fill } from "../dom.js";
import { caseOf } from "./case.js";
import { categoriesOf } from "./report.js";

const WAY = ["reported", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back"];

export const stateWords = (state) => (has(`steps.${state}`) ? t(`steps.${state}`) : state);

export function stepBar(state) {
  const at =
    state === "closed" ? WAY.length : WAY.indexOf(state === "triaged" || state === "waiting" ? "reported" : state);
  return el(
    "div",
    { class: "steps", role: "img", "aria-label": stateWords(state) },
    WAY.map((_, i) => el("i", { class: i < at ? "done" : i === at ? "now" : "" })),
  );
}

export async function show(body) {
  const names = new Map(await categoriesOf());
  const refresh = async () => fill(body, await rows(names));
  document.addEventListener("incident-stored", refresh);
  document.addEventListener("connection-back", refresh);
  await refresh();
}

async function rows(names) {
  const incidents = (await get("/api/v1/incidents?limit=20")).incidents;
  if (!incidents.length) return el("p", { class: "empty" }, t("incidents.none"));
  return el(
    "ul",
    { class: "rows", "data-test": "incidents" },
    incidents.map((incident) => followed(incident, names)),
  );
}

// A row whose details open; a step taken there changes the row and leaves the others alone.
function followed(incident, names) {
  const details = caseOf(incident.id, (after) =>
    shown.replaceChildren(...incidentRow(after, names, details).childNodes),
  );
  const shown = incidentRow(incident, names, details);
  return shown;
}

export function incidentRow(incident, names, ...more) {
  const code = incident.current_code;
  const mood = ["critical", "high"].includes(incident.urgency) ? "urgent" : incident.overdue ? "late" : "";
  const who = incident.assignment?.name ?? incident.waiting_text;
  return el(
    "li",
    { class: mood, "data-incident": incident.id },
    el(
      "header",
      {},
      el("b", {}, names.get(incident.category) ?? incident.category),
      el("span", { class: "quiet" }, when(incident.reported_at)),
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
    ...more,
  );
}
