// The city's work calendar: a year at a glance, its days off and made-up work days, and the list of a year taken in.
import { call } from "../api.js";
import { config, t, when } from "../config.js";
import { el, fill } from "../dom.js";
import { readLines } from "./calendar_lines.js";
import { field } from "../parts/where.js";

const address = (year) => `/api/v1/calendar/${year}`;
const iso = (year, month, day) => new Date(Date.UTC(year, month, day)).toISOString().slice(0, 10);

export async function show(body) {
  const year = el("input", { type: "number", min: "2000", max: "2099", value: new Date().getFullYear() });
  const told = el("div", { class: "answer" });
  const paint = () => load(told, Number(year.value));
  year.addEventListener("change", paint);
  fill(body, field(t("calendar.year"), year), told);
  await paint();
}

async function load(box, year) {
  const { data, version } = await call("GET", address(year));
  const said = el("p", { role: "status", "data-test": "calendar-said" });
  fill(
    box,
    el("p", { class: "quiet" }, data.entered ? entered(data) : t("calendar.not_entered")),
    el("p", { class: "quiet" }, t("calendar.hours", { hours: hoursOf(data.hours) })),
    el(
      "div",
      { class: "months", "data-test": "calendar-months" },
      Array.from({ length: 12 }, (_, month) => monthOf(data, month)),
    ),
    importing(box, data, version, said),
    said,
  );
}

const entered = ({ version, by, at }) => t("calendar.entered", { n: version, by, at: when(at) });
const hoursOf = (hours) => (hours.find((day) => day.length) ?? []).map((part) => part.join("–")).join("，");

function monthOf({ year, hours, days_off: off, work_days: work }, month) {
  const made = new Set(work.map(({ date }) => date));
  const free = new Set(off);
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const first = (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7;
  const days = Array.from({ length: last }, (_, i) => {
    const date = iso(year, month, i + 1);
    const weekday = (first + i) % 7;
    const kind = made.has(date) ? "made" : free.has(date) ? "off" : hours[weekday].length ? "" : "rest";
    const mark = kind === "made" || kind === "off" ? t(`calendar.mark_${kind}`) : "";
    return el("td", { class: kind, "data-date": date }, String(i + 1), mark ? el("small", {}, mark) : null);
  });
  const cells = [...Array.from({ length: first }, () => el("td")), ...days];
  const weeks = Array.from({ length: Math.ceil(cells.length / 7) }, (_, i) => cells.slice(i * 7, i * 7 + 7));
  const name = new Intl.DateTimeFormat(config.lang, { month: "long", timeZone: "UTC" }).format(
    new Date(Date.UTC(year, month, 1)),
  );
  return el(
    "table",
    { class: "month" },
    el("caption", {}, name),
    el(
      "tbody",
      {},
      weeks.map((week) => el("tr", {}, week)),
    ),
  );
}

// The list of a year, pasted or from a file; what cannot be read is told by its line and nothing is stored.
function importing(box, data, version, said) {
  const lines = el("textarea", { name: "lines", rows: "5", placeholder: t("calendar.example") });
  const file = el("input", {
    type: "file",
    accept: ".csv,.txt,text/csv,text/plain",
    class: "unseen",
    "aria-label": t("calendar.file"),
  });
  file.addEventListener("change", async () => (lines.value = await file.files[0].text()));
  const form = el(
    "form",
    { class: "fields", "data-test": "calendar-form" },
    field(t("calendar.lines"), lines, true),
    el(
      "div",
      { class: "actions full" },
      file,
      el("button", { type: "button", onclick: () => file.click() }, t("calendar.file")),
      el("button", { type: "submit", class: "main" }, t("calendar.take_in")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { off, work, wrong } = readLines(lines.value, data.year);
    if (wrong.length || !(off.length + work.length)) {
      tell(said, t("calendar.wrong", { lines: wrong.join("、") || "—", year: data.year }), true);
      return;
    }
    const sent = { days_off: off, work_days: work.map((date) => ({ date })), note: t("calendar.note") };
    try {
      await call("PUT", address(data.year), { body: sent, version });
      await load(box, data.year);
      tell(box.querySelector('[data-test="calendar-said"]'), t("calendar.taken_in", { n: off.length + work.length }));
    } catch (problem) {
      tell(said, [problem.message, ...(problem.errors ?? []).map(({ msg }) => msg)].join(" "), true);
    }
  });
  return form;
}

function tell(box, words, bad = false) {
  box.className = bad ? "message bad" : "message good";
  box.textContent = words;
}
