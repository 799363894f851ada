// What is changed for one worker on one day: leave, extra duty, the shifts of a week, or something taken back. What it
// brings, gaps and unfairness, is asked before it is saved.
import { call } from "../api.js";
import { config, number, t } from "../config.js";
import { el, fill, refusalBox } from "../dom.js";
import { ask } from "../parts/dialogs.js";
import { momentOf } from "./wall.js";

const TEMPLATES = "/api/v1/shifts/templates";
const EXCEPTIONS = "/api/v1/shifts/exceptions";
const MOST_SHOWN = 8;
const PAUSE_MS = 250;

// Resolves with true when something was saved. Asked for until it is taken or left.
export async function openEditing(about) {
  let refusal = null;
  for (;;) {
    const change = await askChange(about, refusal);
    if (!change) return false;
    try {
      await call(change.method, change.path, { body: change.body });
      return true;
    } catch (problem) {
      refusal = problem;
    }
  }
}

function askChange(about, refusal) {
  const { worker, day } = about;
  const outcome = el("div", { role: "status", "data-test": "roster-outcome" });
  const span = spanFields(day);
  const weekly = weeklyFields(day);
  const state = { turn: 0, ready: false, announcing: false, timer: 0 };
  const choices = el("fieldset", { class: "what" }, choicesOf(about));
  const chosen = () => choices.querySelector("input:checked").value;

  async function look() {
    const turn = ++state.turn;
    state.ready = false;
    span.hidden = !["leave", "extra"].includes(chosen());
    weekly.hidden = chosen() !== "template";
    span.querySelector(".substitute").hidden = chosen() !== "leave";
    const change = changeOf(chosen(), worker, span, weekly);
    if (!change) fill(outcome);
    else {
      try {
        const path = `${change.path}?dry_run=true`;
        const { data } = await call(change.method, path, { body: change.body });
        if (turn !== state.turn) return;
        fill(outcome, tellOutcome(data, about.gapWords));
        state.ready = true;
      } catch (problem) {
        if (turn === state.turn) fill(outcome, refusalBox(problem));
      }
    }
    announce();
  }
  // The dialog looks again whether it is ready.
  function announce() {
    state.announcing = true;
    choices.dispatchEvent(new Event("input", { bubbles: true }));
    state.announcing = false;
  }
  // What is typed is tried a moment later; until then nothing can be saved.
  function wait() {
    if (state.announcing) return;
    state.turn += 1;
    state.ready = false;
    clearTimeout(state.timer);
    state.timer = setTimeout(look, PAUSE_MS);
  }
  for (const part of [choices, span, weekly]) part.addEventListener("input", wait);
  look();
  return ask({
    title: t("rosters.edit", { name: worker.name, day }),
    body: [refusal && refusalBox(refusal), choices, span, weekly, el("h3", {}, t("rosters.brings")), outcome].filter(
      Boolean,
    ),
    confirm: t("rosters.save"),
    ready: () => state.ready,
    answer: () => changeOf(chosen(), worker, span, weekly),
    test: "roster-dialog",
  });
}

function choicesOf({ templates, exceptions, told }) {
  const choice = (value, words, checked = false) =>
    el("label", { class: "tick" }, el("input", { type: "radio", name: "what", value, checked }), el("span", {}, words));
  const words = (moment) => Object.values(told(moment)).join(" ");
  const days = (one) => one.weekdays.map((day) => t(`rosters.day_${day}`)).join(" ");
  return [
    choice("leave", t("rosters.leave"), true),
    choice("extra", t("rosters.extra")),
    choice("template", t("rosters.template")),
    exceptions.map((one) =>
      choice(
        `${EXCEPTIONS}/${one.id}`,
        `${t("rosters.take_back")}: ${t(`rosters.${one.kind}`)} ${words(one.start)} – ${words(one.end)}`,
      ),
    ),
    templates.map((one) =>
      choice(
        `${TEMPLATES}/${one.id}`,
        `${t("rosters.end")}: ${days(one)} ${one.from} · ${t("rosters.hours", { n: number(one.minutes / 60) })}`,
      ),
    ),
  ];
}

const field = (name, words, input, more = {}) =>
  el("label", more, el("span", {}, t(`rosters.${words}`)), Object.assign(input, { name }));

const entry = (type, value, more = {}) => el("input", { type, value, autocomplete: "off", ...more });

function spanFields(day) {
  return el(
    "div",
    { class: "rosters-fields" },
    field("start", "start", entry("datetime-local", `${day}T08:00`)),
    field("end", "end_at", entry("datetime-local", `${day}T18:00`)),
    field("substitute", "substitute", entry("text", "", { maxlength: "60" }), { class: "substitute full" }),
    field("reason", "reason", entry("text", "", { maxlength: "500" }), { class: "full" }),
  );
}

function weeklyFields(day) {
  const weekday = (n) =>
    el(
      "label",
      { class: "tick" },
      el("input", { type: "checkbox", name: "weekday", value: n, checked: n < 6 }),
      el("span", {}, t(`rosters.day_${n}`)),
    );
  return el(
    "div",
    { class: "rosters-fields", hidden: true },
    el("div", { class: "full row-of-ticks" }, [1, 2, 3, 4, 5, 6, 7].map(weekday)),
    field("from", "from", entry("time", "08:00")),
    field("to", "to", entry("time", "16:00")),
    field("first_day", "first_day", entry("date", day)),
    field("last_day", "last_day", entry("date", "")),
    el(
      "label",
      { class: "tick full" },
      el("input", { type: "checkbox", name: "replace" }),
      el("span", {}, t("rosters.replace")),
    ),
  );
}

// What is sent; null while a time or a day is missing.
function changeOf(what, worker, span, weekly) {
  const valueOf = (form, name) => form.querySelector(`[name=${name}]`).value.trim();
  if (what.startsWith("/")) return { method: "DELETE", path: what };
  if (what === "template") {
    const weekdays = [...weekly.querySelectorAll("[name=weekday]:checked")].map((box) => Number(box.value));
    const [from, to, first] = ["from", "to", "first_day"].map((name) => valueOf(weekly, name));
    if (!weekdays.length || !from || !to || !first) return null;
    const times = { from, to, first_day: first, last_day: valueOf(weekly, "last_day") || null };
    const replace = weekly.querySelector("[name=replace]").checked;
    const body = { templates: [{ worker: worker.number, weekdays, ...times }], replace };
    return { method: "POST", path: TEMPLATES, body };
  }
  const [start, end] = ["start", "end"].map((name) => valueOf(span, name));
  if (!start || !end) return null;
  const substitute = what === "leave" ? valueOf(span, "substitute") || null : null;
  const sent = { worker: worker.number, kind: what, substitute, reason: valueOf(span, "reason") };
  const moments = { start: momentOf(config.zone, start), end: momentOf(config.zone, end) };
  return { method: "POST", path: EXCEPTIONS, body: { exceptions: [{ ...sent, ...moments }] } };
}

// New gaps first, then whose load is no longer that of others.
export function tellOutcome(told, gapWords) {
  const gaps = told.new_gaps;
  const unfair = told.cover.loads.slice(0, MOST_SHOWN);
  const rest = gaps.length - MOST_SHOWN;
  return [
    gaps.length
      ? el(
          "ul",
          { class: "message bad gap-list" },
          gaps.slice(0, MOST_SHOWN).map((gap) => el("li", {}, t("rosters.new_gap", { gap: gapWords(gap) }))),
          rest > 0 ? el("li", {}, t("rosters.more_gaps", { n: number(rest) })) : null,
        )
      : el("p", { class: "message good" }, t("rosters.no_new_gaps")),
    unfair.length
      ? el(
          "ul",
          { class: "quiet gap-list", "data-test": "roster-unfair" },
          unfair.map(({ name, hours, ratio }) =>
            el("li", {}, t("rosters.unfair", { name, hours: number(hours), ratio: number(ratio) })),
          ),
        )
      : null,
  ];
}
