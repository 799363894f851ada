// One incident in full: who called, its way so far, why this worker, and the steps that may follow.
import { get } from "../api.js";
import { has, number, t, when } from "../config.js";
import { againButton, el, fill, skeleton } from "../dom.js";
import { callsOf } from "./calls.js";
import { checkInWords } from "./check_in.js";
import { unitNames } from "./incident.js";
import { joinedOf } from "./likely.js";
import { photosOf } from "./photos.js";
import { partsOf } from "./split.js";
import { stepsOf, wordOf } from "./steps.js";
import { candidateTable, facts, pathOf } from "./where.js";

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
  const after = (told) => {
    tell(body, told, changed);
    changed(told);
  };
  fill(
    body,
    knownOf(incident),
    askedOf(incident),
    joinedOf(incident),
    partsOf(incident),
    callsOf(incident),
    wayOf(incident),
    photosOf(incident, () => load(body, incident.id, changed)),
    decision ? [el("h3", {}, why), candidateTable(decision.candidates, decision.rejected)] : null,
    stepsOf(incident, after),
    el("a", { href: `/incidents/${encodeURIComponent(incident.id)}`, "data-test": "open-page" }, t("case.open_page")),
  );
}

// What somebody asks for and somebody else has to agree to.
export function askedOf({ grace }) {
  if (!grace?.asked) return null;
  const { by, what, note, until } = grace.asked;
  const words = [t("case.asked", { by, what: wordOf(what) }), until ? when(until) : null, note];
  return el("p", { class: "message", "data-test": "asked" }, words.filter(Boolean).join(" · "));
}

export function knownOf(incident) {
  const { id, reporter, location, position, assignment, unit_code: unit, condition, field_task: looks } = incident;
  const caller = reporter
    ? [t(`case.reporter_${reporter.kind}`), reporter.name, reporter.phone ?? reporter.phone_masked]
    : [];
  return facts([
    [t("case.number"), id],
    [t("case.caller"), el("span", { "data-test": "caller" }, caller.filter(Boolean).join(" · "))],
    [t("locate.path"), location ? pathOf(location) : ""],
    [t("case.position"), position ? `${position.lon.toFixed(6)}, ${position.lat.toFixed(6)}` : ""],
    [t("case.holder"), assignment ? personOf(assignment) : ""],
    [looks ? t(`case.looks_${looks.task}`) : "", looks ? personOf(looks) : ""],
    [t("check_in.fact"), checkInWords(incident)],
    [t("case.unit"), unitNames.get(unit) ?? unit ?? ""],
    [t("case.condition"), condition?.case ? `${condition.code} ${condition.name} · ${condition.case}` : ""],
    [t("case.closes"), condition?.closes ?? ""],
  ]);
}

const personOf = ({ name, worker, phone, phone_masked: masked }) =>
  [name, worker, phone ?? masked].filter(Boolean).join(" · ");

// What happened to it so far, oldest first.
export const wayOf = ({ timeline }) => el("ol", { class: "way", "data-test": "timeline" }, timeline.map(line));

// A condition and what a resident said are no place to which a case goes.
function whereTo(step, to) {
  if (!to || step === "set_condition") return to;
  if (step === "raise_call") return t("calls.level", { level: to });
  if (step === "check_in_missed") return t("check_in.told", { to });
  return has(`recall.${to}`) ? t(`recall.${to}`) : t("incidents.to", { to });
}

function noteOf(step, note) {
  if (["call", "call_short"].includes(step)) {
    const [role, n] = note.split(" ");
    return [t(`roles_in_grid.${role}`), n].filter(Boolean).join(" ");
  }
  if (["wait", "send_to_inspect"].includes(step) && has(`dispatch.${note}`)) return t(`dispatch.${note}`);
  return has(`incidents.channel_${note}`) ? t(`incidents.channel_${note}`) : note;
}

// Of a report the note is its channel, of waiting its reason, of an automatic step the doer is the service: all are
// words of the interface.
function line({ step, at, by, note, to, proof, taken_at: takenAt }) {
  const what = has(`steps.${step}`) ? t(`steps.${step}`) : wordOf(step);
  const words = [
    what,
    whereTo(step, to),
    by === "automatic" ? t("incidents.automatic") : by,
    proof ? t("case.proven", { distance: number(Math.round(proof.distance_m)) }) : null,
    !proof && step === "arrive" ? t("case.unproven") : null,
    takenAt ? t("case.taken_at", { at: when(takenAt) }) : null,
    noteOf(step, note),
  ];
  return el("li", {}, el("time", { class: "quiet" }, when(at)), " ", words.filter(Boolean).join(" · "));
}
