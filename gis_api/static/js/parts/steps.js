// The steps that the reader may take now, as the service says: a button each, and a form where one demands more.
import { get } from "../api.js";
import { config, has, t } from "../config.js";
import { el, fill } from "../dom.js";
import { onServer } from "../server_clock.js";
import { conditionInput } from "./conditions.js";
import { Kept, post } from "./outbox.js";
import { partFields, takeParts } from "./split.js";
import { field, select } from "./where.js";

// What leads an incident on: the first of these that may be taken is the big button.
export const LEADING = [
  "confirm",
  "dispatch",
  "triage",
  "accept",
  "arrive",
  "handle",
  "verify",
  "feed_back",
  "close",
  "come",
];
// What stands beside it as often: it is done already, or was not there.
const BESIDE = ["settle", "deny"];
// What somebody says who may have no hand free for anything else.
const WELL = "check_in";
const IN_FIELD = ["worker", "unit"];

export const wordOf = (step) => (has(`steps.do_${step}`) ? t(`steps.do_${step}`) : step);

// Buttons and form of an incident; `changed` is called with the incident after each step, `onKept` with a step that
// waits here to be sent.
/** @type {(incident: any, changed: (told: any) => any, how?: {all?: boolean, onKept?: (rule: any) => any}) => any} */
export function stepsOf(incident, changed, { all = true, onKept = () => {} } = {}) {
  const said = el("div", { class: "message bad", role: "alert", hidden: true, "data-test": "step-said" });
  const asked = el("div", { class: "answer" });
  const offered = incident.may.filter(({ step }) => all || LEADING.includes(step) || BESIDE.includes(step));
  const first = offered.find(({ step }) => LEADING.includes(step));
  const desk = { incident, changed, onKept, said, asked, buttons: [] };
  desk.buttons = offered.map((rule) =>
    el(
      "button",
      {
        type: "button",
        class: rule === first || rule.step === WELL ? "main" : "small",
        "data-step": rule.step,
        onclick: () => (needsForm(rule) ? open(desk, rule) : take(desk, rule, {})),
      },
      wordOf(rule.step),
    ),
  );
  return offered.length
    ? el("div", { class: "answer todo" }, el("div", { class: "actions" }, desk.buttons), asked, said)
    : null;
}

const needsForm = ({ step, note, target }) => note || target || step === "note";

async function open(desk, rule) {
  const form = el(
    "form",
    { class: "fields", "data-test": "step-form" },
    await targetFields(rule, desk.incident),
    field(
      t(rule.note ? "case.reason" : "tasks.note"),
      el("textarea", { name: "note", rows: "2", maxlength: "2000", required: rule.note }),
      true,
    ),
    el(
      "div",
      { class: "actions full" },
      el("button", { type: "submit", class: "main" }, wordOf(rule.step)),
      el("button", { type: "button", onclick: () => fill(desk.asked) }, t("case.give_up")),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(desk, rule, sentOf(new FormData(form)));
  });
  fill(desk.asked, form);
  form.querySelector("input, select, textarea").focus();
}

async function targetFields({ step, target, answers }, { position, condition }) {
  const text = (name, words, more = {}) =>
    field(words, el("input", { name, maxlength: "60", autocomplete: "off", ...more }));
  if (target === "incident") return text("to", t("case.join"), { required: true });
  if (target === "place")
    return ["lon", "lat"].map((name) => text(name, t(`report.${name}`), { required: true, value: position[name] }));
  if (target === "condition") {
    const input = await conditionInput({ version: condition?.standard, required: true });
    return field(t("case.condition"), input, true);
  }
  if (target === "until") return text("until", t("case.until"), { type: "date", required: true });
  if (target === "parts") return partFields(await units());
  if (target === "answer") {
    const words = answers.map((answer) => [answer, t(`recall.${answer}`)]);
    return field(t("recall.question"), select("answer", words, answers[0]), true);
  }
  if (target === "unit") return field(t("case.unit"), select("unit", await units(), ""));
  if (target === "worker") return text("to", t("case.looker"));
  if (target !== "who") return null;
  const known = [["", "—"], ...(await units())];
  return [
    text("to", t(step === "dispatch" ? "case.worker" : "case.other_worker")),
    field(t("case.unit"), select("unit", known, "")),
  ];
}

// [code, name] of each department that is in charge of anything.
async function units() {
  const { categories } = await get("/api/v1/categories");
  return [...new Map(categories.filter(({ unit }) => unit).map(({ unit, unit_name: name }) => [unit, name]))];
}

function sentOf(fields) {
  const sent = Object.fromEntries([...fields].filter(([, value]) => value.trim() !== ""));
  for (const name of ["lon", "lat"]) if (name in sent) sent[name] = Number(sent[name]);
  if ("until" in sent) sent.until = new Date(`${sent.until}T23:59:00`).toISOString();
  const whole = takeParts(sent);
  return "lon" in sent ? { ...whole, datum: "wgs84" } : whole;
}

async function take(desk, rule, more) {
  lock(desk, true);
  try {
    const proof = await proofFor(desk, rule);
    const path = `/api/v1/incidents/${encodeURIComponent(desk.incident.id)}/steps`;
    const body = { step: rule.step, ...more, ...proof };
    desk.changed(await post(path, body, { leads: rule.to_state }));
  } catch (problem) {
    tell(desk, rule, more, problem);
    if (problem instanceof Kept) await desk.onKept(rule);
  } finally {
    lock(desk, false);
  }
}

function lock(desk, locked) {
  desk.buttons.forEach((button) => (button.disabled = locked || desk.kept === true));
}

function tell(desk, rule, more, problem) {
  desk.kept = problem instanceof Kept;
  const anyway = () => take(desk, rule, { ...more, confirm: true });
  fill(
    desk.said,
    el("div", {}, problem.message),
    problem.code === "worker_off_duty"
      ? el("button", { type: "button", class: "small", "data-test": "confirm", onclick: anyway }, t("case.anyway"))
      : null,
  );
  desk.said.hidden = false;
}

// Where the device is, for whoever works outside: a desk is nowhere near, and proves nothing.
async function proofFor(desk, { proof }) {
  if (proof === "none" || !IN_FIELD.includes(config.person.role)) return {};
  const fix = await currentFix();
  if (!fix && proof === "demanded") throw new Error(t("case.no_fix"));
  return fix ? { proof: fix } : {};
}

/** Where the device is, null where it does not say. @type {() => Promise<any>} */
export async function currentFix() {
  if (!navigator.geolocation) return null;
  const told = ({ coords, timestamp }) => ({
    lon: coords.longitude,
    lat: coords.latitude,
    datum: "wgs84",
    accuracy_m: coords.accuracy,
    fixed_at: onServer(timestamp),
  });
  return new Promise((resolve) =>
    navigator.geolocation.getCurrentPosition(
      (fix) => resolve(told(fix)),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: 8000, maximumAge: 0 },
    ),
  );
}
