// Registering an incident: tried first or stored at once, and why this worker.
import { categoriesOf, stateWords } from "../parts/incident.js";
import { call } from "../api.js";
import { config, number, t, when } from "../config.js";
import { el, fill } from "../dom.js";
import { conditionInput } from "../parts/conditions.js";
import { adding } from "../parts/photos.js";
import { newKey } from "../parts/queue.js";
import { Kept, post } from "../parts/outbox.js";
import { candidateTable, field, hereButton, located, positionFields, select, splitPaste } from "../parts/where.js";

const URGENCIES = ["normal", "low", "high", "critical"];

export async function show(body) {
  const categories = await categoriesOf("incident");
  const answer = el("div", { class: "answer", role: "status", "data-test": "reported" });
  const form = el(
    "form",
    { class: "answer", "data-test": "report-form" },
    el("p", { class: "quiet" }, t("report.lead")),
    el(
      "div",
      { class: "fields" },
      positionFields(),
      field(t("report.category"), select("category", categories, "other")),
      field(
        t("report.urgency"),
        select(
          "urgency",
          [["", t("report.by_category")], ...URGENCIES.map((name) => [name, t(`steps.urgency_${name}`)])],
          "",
        ),
      ),
      callerFields(),
      conditionField(),
      field(t("report.description"), el("textarea", { name: "description", rows: "2", maxlength: "2000" }), true),
    ),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "submit", class: "main", value: "do" }, t("report.do")),
      el("button", { type: "submit", value: "try" }, t("report.try")),
    ),
  );
  let key = newKey();
  let keptBody = "";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const trial = event.submitter?.value === "try";
    const typed = JSON.stringify(bodyOf(form));
    // What is kept goes out by itself: pressed again it is the same report, and typed anew another one.
    if (keptBody && keptBody !== typed) key = newKey();
    const done = await send(form, answer, { trial, key });
    if (trial) return;
    keptBody = done === "kept" ? typed : "";
    if (done === "stored") key = newKey();
  });
  splitPaste(form);
  form.querySelector(".actions").append(hereButton(form) ?? "");
  fill(body, form, answer);
}

// The same key goes with every repetition until one is stored: a lost answer never makes two incidents.
async function send(form, box, { trial, key }) {
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    const path = `/api/v1/incidents${trial ? "?dry_run=true" : ""}`;
    const headers = { "Idempotency-Key": key };
    const body = bodyOf(form);
    const data = trial ? (await call("POST", path, { body, headers })).data : await post(path, body, { headers });
    tell(box, data, trial);
    document.dispatchEvent(new CustomEvent("incident-stored"));
    return "stored";
  } catch (problem) {
    const words = [problem.message, ...(problem.errors ?? []).map((error) => error.msg)].join(" ");
    fill(box, el("p", { class: "message bad", role: "alert" }, words));
    return problem instanceof Kept ? "kept" : "refused";
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function bodyOf(form) {
  const { caller, phone, condition, ...fields } = Object.fromEntries(new FormData(form));
  const told = {
    ...fields,
    ...(condition ? { condition } : {}),
    urgency: fields.urgency || null,
    lon: Number(fields.lon),
    lat: Number(fields.lat),
    channel: config.person.role === "worker" ? "patrol" : "hotline",
  };
  if (!caller && !phone) return told;
  return { ...told, reporter: { kind: "resident", name: caller || null, phone: phone || null } };
}

// Which condition of the standard sheet it is, where a desk knows; nothing where there is no sheet.
function conditionField() {
  if (config.person.role === "worker") return null;
  const place = el("span", { hidden: true });
  conditionInput({}).then((input) => input && place.replaceWith(field(t("report.condition"), input, true)));
  return place;
}

// Who called, for the answer back; a worker reports in their own name.
function callerFields() {
  if (config.person.role === "worker") return null;
  return [
    field(t("report.caller"), el("input", { name: "caller", maxlength: "200", autocomplete: "off" })),
    field(t("report.phone"), el("input", { name: "phone", type: "tel", maxlength: "40", autocomplete: "off" })),
  ];
}

function tell(box, incident, trial) {
  const chosen = incident.assignment;
  const waiting = [
    incident.waiting_text ?? t("report.waiting"),
    incident.duty_desk ? `${incident.duty_desk.name} ${incident.duty_desk.phone ?? ""}` : "",
  ].join(" ");
  const looks = incident.field_task ? t("report.sent_to_look", { name: incident.field_task.name }) : null;
  const said = chosen
    ? t("report.sent_to", { name: chosen.name ?? chosen.worker, distance: number(Math.round(chosen.distance_m ?? 0)) })
    : (looks ?? waiting);
  if (incident.location) document.dispatchEvent(new CustomEvent("place-told", { detail: incident.location }));
  fill(
    box,
    el(
      "p",
      { class: `message ${chosen || looks ? "good" : ""}` },
      el("div", {}, trial ? t("report.tried") : t("report.done", { id: incident.id }), el("br"), said),
    ),
    likely(incident.duplicates),
    trial ? null : adding(incident.id, () => document.dispatchEvent(new CustomEvent("incident-stored"))),
    incident.location ? located(incident.location) : null,
    chosen
      ? [
          el("h3", {}, t("report.why", { name: chosen.name ?? chosen.worker })),
          candidateTable(chosen.candidates, chosen.rejected),
        ]
      : candidateTable([], incident.rejected),
  );
}

// What was reported near by lately: looked at before somebody is sent twice.
function likely(duplicates) {
  if (!duplicates?.length) return null;
  const row = ({ id, description, distance_m: away, state, reported_at: at }) => {
    const near = t("case.near_by", { distance: number(Math.round(away)), state: stateWords(state) });
    const link = el("a", { href: `/incidents/${encodeURIComponent(id)}` }, description || id);
    return el("li", {}, link, el("span", { class: "quiet" }, ` ${when(at)} · ${near}`));
  };
  return el(
    "div",
    { class: "message", "data-test": "reported-likely" },
    el("div", {}, el("b", {}, t("case.likely")), el("ul", {}, duplicates.map(row))),
  );
}
