// One incident in full: its way so far, why this worker, and the steps that may follow.
import { call, get } from "../api.js";
import { config, has, t, when } from "../config.js";
import { againButton, el, fill, skeleton } from "../dom.js";
import { candidateTable } from "./where.js";

// What a dispatcher does by one click: whatever needs a target, a place or a reason of its own is left to the
// interface.
const OFFERED = [
  "dispatch",
  "accept",
  "arrive",
  "handle",
  "verify",
  "feed_back",
  "close",
  "reassign",
  "hand_up",
  "chase",
  "cancel",
];
const LEADING = ["dispatch", "accept", "arrive", "handle", "verify", "feed_back", "close"];

export const wordOf = (step) => (has(`steps.do_${step}`) ? t(`steps.do_${step}`) : step);

// The part of an incident's row that opens; `changed` is called with the incident after each step.
export function caseOf(id, changed) {
  const body = el("div", { class: "answer" });
  const opened = el("details", { class: "case", "data-test": "case" }, el("summary", {}, t("incidents.details")), body);
  opened.addEventListener("toggle", () => opened.open && load(body, id, changed));
  return opened;
}

async function load(body, id, changed) {
  fill(body, skeleton(3));
  try {
    tell(body, await get(`/api/v1/incidents/${encodeURIComponent(id)}`), changed);
  } catch (problem) {
    fill(
      body,
      el(
        "div",
        { class: "message bad", role: "alert" },
        el("div", {}, problem.message),
        againButton(problem, () => load(body, id, changed)),
      ),
    );
  }
}

function tell(body, incident, changed) {
  const { decision, assignment } = incident;
  const why = assignment ? t("report.why", { name: assignment.name }) : t("report.rejected");
  fill(
    body,
    el("ol", { class: "way", "data-test": "timeline" }, incident.timeline.map(line)),
    decision ? [el("h3", {}, why), candidateTable(decision.candidates, decision.rejected)] : null,
    ["dispatcher", "admin"].includes(config.person.role) ? steps(body, incident, changed) : null,
  );
}

// Of a report the note is its channel, of an automatic step the doer is the service: both are words of the interface.
function line({ step, at, by, note, to }) {
  const what = has(`steps.${step}`) ? t(`steps.${step}`) : wordOf(step);
  const words = [
    what,
    to ? t("incidents.to", { to }) : null,
    by === "automatic" ? t("incidents.automatic") : by,
    has(`incidents.channel_${note}`) ? t(`incidents.channel_${note}`) : note,
  ];
  return el("li", {}, el("time", { class: "quiet" }, when(at)), " ", words.filter(Boolean).join(" · "));
}

function steps(body, incident, changed) {
  const said = el("p", { class: "message bad", role: "alert", hidden: true });
  const names = OFFERED.filter((step) => incident.next_steps.includes(step));
  const first = names.find((step) => LEADING.includes(step));
  const buttons = names.map((step) =>
    el(
      "button",
      { type: "button", class: step === first ? "main" : "small", "data-step": step, onclick: () => take(step) },
      wordOf(step),
    ),
  );
  const note = el("input", {
    name: "note",
    maxlength: "2000",
    "aria-label": t("tasks.note"),
    placeholder: t("tasks.note"),
  });
  async function take(step) {
    buttons.forEach((button) => (button.disabled = true));
    try {
      const { data } = await call("POST", `/api/v1/incidents/${encodeURIComponent(incident.id)}/steps`, {
        body: { step, note: note.value, ...place(step, incident) },
      });
      tell(body, data, changed);
      changed(data);
    } catch (problem) {
      said.textContent = problem.message;
      said.hidden = false;
      buttons.forEach((button) => (button.disabled = false));
    }
  }
  return names.length ? [note, el("div", { class: "actions" }, buttons), said] : null;
}

// A dispatcher writes down that somebody verified at the place of the incident.
function place(step, { position }) {
  return step === "verify" && position ? { lon: position.lon, lat: position.lat, datum: "wgs84" } : {};
}
