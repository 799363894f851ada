// Registering an incident: tried first or stored at once, and why this worker.
import { categoriesOf } from "../parts/incident.js";
import { call } from "../api.js";
import { config, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { candidateTable, field, hereButton, located, positionFields, select, splitPaste } from "./where.js";

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
      field(t("report.description"), el("textarea", { name: "description", rows: "2", maxlength: "2000" }), true),
    ),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "submit", class: "main", value: "do" }, t("report.do")),
      el("button", { type: "submit", value: "try" }, t("report.try")),
    ),
  );
  let key = crypto.randomUUID();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const trial = event.submitter?.value === "try";
    if ((await send(form, answer, { trial, key })) && !trial) key = crypto.randomUUID();
  });
  splitPaste(form);
  form.querySelector(".actions").append(hereButton(form) ?? "");
  fill(body, form, answer);
}

// The same key goes with every repetition until one is stored: a lost answer never makes two incidents.
async function send(form, box, { trial, key }) {
  const fields = Object.fromEntries(new FormData(form));
  const body = {
    ...fields,
    urgency: fields.urgency || null,
    lon: Number(fields.lon),
    lat: Number(fields.lat),
    channel: config.person.role === "worker" ? "patrol" : "hotline",
  };
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    const path = `/api/v1/incidents${trial ? "?dry_run=true" : ""}`;
    const { data } = await call("POST", path, { body, headers: { "Idempotency-Key": key } });
    tell(box, data, trial);
    document.dispatchEvent(new CustomEvent("incident-stored"));
    return true;
  } catch (problem) {
    fill(
      box,
      el(
        "p",
        { class: "message bad", role: "alert" },
        [problem.message, ...(problem.errors ?? []).map((error) => error.msg)].join(" "),
      ),
    );
    return false;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function tell(box, incident, trial) {
  const chosen = incident.assignment;
  const waiting = [
    incident.waiting_text ?? t("report.waiting"),
    incident.duty_desk ? `${incident.duty_desk.name} ${incident.duty_desk.phone ?? ""}` : "",
  ].join(" ");
  const said = chosen
    ? t("report.sent_to", { name: chosen.name ?? chosen.worker, distance: number(Math.round(chosen.distance_m ?? 0)) })
    : waiting;
  if (incident.location) document.dispatchEvent(new CustomEvent("place-told", { detail: incident.location }));
  fill(
    box,
    el(
      "p",
      { class: `message ${chosen ? "good" : ""}` },
      el("div", {}, trial ? t("report.tried") : t("report.done", { id: incident.id }), el("br"), said),
    ),
    incident.location ? located(incident.location) : null,
    chosen
      ? [
          el("h3", {}, t("report.why", { name: chosen.name ?? chosen.worker })),
          candidateTable(chosen.candidates, chosen.rejected),
        ]
      : candidateTable([], incident.rejected),
  );
}
