// The week of an area: who is on duty, where too few are, who has more than others. What is asked is in the address.
import { get } from "../api.js";
import { config, number, t } from "../config.js";
import { againButton, beginPage, byId, el, fill, present, stacking } from "../dom.js";
import { openEditing } from "./editing.js";
import { openTaking } from "./taking.js";
import { dayAfter, hoursOn, mondayOf, momentOf, wallOf } from "./wall.js";

const MOST = 100;
const MOST_GAPS = 30;
const WRITERS = ["planner", "dispatcher", "admin"];
const told = wallOf(config.zone);
const today = () => told(Date.now()).day;
const mayWrite = WRITERS.includes(config.person.role);

const asked = { area: "", week: "", loaded: false };
/** @type {{ workers: any[], next: string | null, duties: any[], exceptions: any[], templates: any[], cover: any }} */
let shown = { workers: [], next: null, duties: [], exceptions: [], templates: [], cover: null };
let turn = 0;

function readAddress() {
  const sent = new URLSearchParams(location.search);
  asked.area = sent.get("area") ?? config.person.area;
  const week = sent.get("week") ?? "";
  asked.week = mondayOf(Number.isNaN(Date.parse(`${week}T00:00:00Z`)) ? today() : week);
}

function go(changes) {
  Object.assign(asked, changes);
  history.pushState(null, "", `?${new URLSearchParams({ area: asked.area, week: asked.week })}`);
  beginPage(show);
}

async function showAreas() {
  const { features } = await get("/api/v1/areas?limit=1000");
  const known = features
    .map(({ properties }) => properties)
    .filter(({ code, level }) => level !== "district" && code.startsWith(config.person.area));
  known.sort((one, other) => (one.code < other.code ? -1 : 1));
  if (!new URLSearchParams(location.search).has("area") && known.length > 1)
    asked.area = known.find(({ level }) => level === "community")?.code ?? asked.area;
  const option = ({ code, name, level }) =>
    el("option", { value: code, selected: code === asked.area }, (level === "community" ? "　" : "") + name);
  fill(byId("area"), el("option", { value: config.person.area }, t("rosters.whole_area")), known.map(option));
  byId("area").value = asked.area;
  asked.loaded = true;
}

async function show() {
  const mine = (turn += 1);
  if (!asked.loaded) await showAreas();
  const since = momentOf(config.zone, `${asked.week}T00:00`);
  const until = momentOf(config.zone, `${dayAfter(asked.week, 7)}T00:00`);
  const area = encodeURIComponent(asked.area);
  const span = `since=${encodeURIComponent(since)}&until=${encodeURIComponent(until)}&area=${area}`;
  byId("week").textContent = t("rosters.week", { from: asked.week, to: dayAfter(asked.week, 6) });
  const found = await Promise.all([
    get(`/api/v1/workers?area=${area}&limit=${MOST}`),
    get(`/api/v1/shifts?${span}&limit=5000`),
    get(`/api/v1/shifts/exceptions?${span}`),
    get(`/api/v1/shifts/templates?area=${area}`),
    get(`/api/v1/on-duty/gaps?${span}`),
  ]);
  if (mine !== turn) return;
  const [{ workers, next }, { shifts }, { exceptions }, { templates }, cover] = found;
  shown = { workers, next, duties: shifts, exceptions, templates, cover };
  drawGaps();
  drawTable();
}

function drawGaps() {
  const { gaps } = shown.cover;
  const rest = gaps.length - MOST_GAPS;
  fill(
    byId("gaps"),
    gaps.length
      ? el(
          "ul",
          { class: "gap-list" },
          gaps.slice(0, MOST_GAPS).map((gap) => el("li", {}, gapWords(gap))),
          rest > 0 ? el("li", {}, t("rosters.more_gaps", { n: number(rest) })) : null,
        )
      : el("p", { class: "message good" }, t("rosters.no_gaps")),
  );
}

export function gapWords({ name, since, until, on_duty: onDuty, minimum }) {
  const words = (moment) => Object.values(told(moment)).join(" ");
  return t("rosters.gap", { name, since: words(since), until: words(until), on_duty: onDuty, minimum });
}

const weekdayOf = (day) => ((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7) + 1;

function drawTable() {
  const days = Array.from({ length: 7 }, (_, i) => dayAfter(asked.week, i));
  byId("more").hidden = !shown.next;
  const workers = shown.workers.filter((one) => one.active || shown.duties.some(({ worker }) => worker === one.number));
  if (!workers.length) {
    fill(byId("table"), el("p", { class: "empty", "data-test": "rosters-empty" }, t("rosters.nobody")));
    return;
  }
  const head = days.map((day) =>
    el("th", { scope: "col" }, `${t(`rosters.day_${weekdayOf(day)}`)} ${day.slice(5)}`, day === today() ? " •" : ""),
  );
  const loads = new Map(shown.cover.loads.map((one) => [one.worker, one]));
  const row = (worker) =>
    el(
      "tr",
      { "data-worker": worker.number },
      el("td", { class: "person" }, el("b", {}, worker.name), " ", worker.number, loadOf(loads.get(worker.number))),
      days.map((day) => el("td", {}, cellOf(worker, day))),
    );
  const table = el(
    "table",
    { class: "week" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("rosters.worker")), head)),
    el("tbody", {}, workers.map(row)),
  );
  fill(byId("table"), stacking(table));
  const first = table.querySelector("button.cell");
  if (first) first.tabIndex = 0;
}

function loadOf(load) {
  if (!load) return null;
  const words = load.ratio > 1 ? "rosters.more_than_others" : "rosters.less_than_others";
  return el(
    "div",
    { class: load.unfair ? "unfair" : "quiet" },
    t("rosters.hours", { n: number(load.hours) }),
    load.unfair ? ` · ${t(words)}` : "",
  );
}

const onDay = (one, day) => hoursOn(told, { since: one.start, until: one.end }, day) != null;

function cellOf(worker, day) {
  const hours = shown.duties
    .filter((duty) => duty.worker === worker.number)
    .map((duty) => hoursOn(told, duty, day))
    .filter(Boolean);
  const marks = shown.exceptions
    .filter((one) => one.worker === worker.number && onDay(one, day))
    .map((one) => el("span", { class: `mark ${one.kind}` }, markWords(one)));
  const inside = [
    hours.map((words) => el("span", {}, words)),
    hours.length || marks.length ? null : el("span", { class: "free" }, t("rosters.free")),
    marks,
  ];
  if (!mayWrite || !worker.active) return el("div", { class: "cell" }, inside);
  const attributes = { type: "button", class: "cell", tabindex: "-1", "data-day": day };
  return el(
    "button",
    { ...attributes, onclick: () => edit(worker, day) },
    el("span", { class: "unseen" }, t("rosters.edit", { name: worker.name, day })),
    inside,
  );
}

function markWords({ kind, substitute, reason }) {
  if (kind === "extra") return t("rosters.extra");
  if (reason === "left") return t("rosters.left");
  return substitute ? `${t("rosters.leave")} · ${t("rosters.stands_in_by", { name: substitute })}` : t("rosters.leave");
}

async function edit(worker, day) {
  const { templates, exceptions } = shown;
  const mine = (list) => list.filter((one) => one.worker === worker.number);
  const near = mine(exceptions).filter((one) => onDay(one, day) && one.reason !== "left");
  const about = { worker, day, templates: mine(templates), exceptions: near, told, gapWords };
  if (!(await openEditing(about))) return;
  await beginPage(show);
  fill(byId("said"), el("p", { class: "message good" }, t("rosters.saved")));
  byId("table")
    .querySelector(`[data-worker="${CSS.escape(worker.number)}"] [data-day="${day}"]`)
    ?.focus();
}

// Arrow keys go from cell to cell; one cell of the table is a stop of the Tab key.
function move(event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const cell = event.target.closest("button.cell");
  if (!steps || !cell) return;
  const place = cell.closest("td");
  const rows = [...place.closest("tbody").rows];
  const row = rows[rows.indexOf(place.parentElement) + steps[0]];
  const next = row?.cells[place.cellIndex + steps[1]]?.querySelector("button.cell");
  if (!next) return;
  event.preventDefault();
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

byId("table").addEventListener("keydown", move);
byId("area").addEventListener("change", () => go({ area: byId("area").value }));
byId("earlier").addEventListener("click", () => go({ week: dayAfter(asked.week, -7) }));
byId("later").addEventListener("click", () => go({ week: dayAfter(asked.week, 7) }));
byId("now").addEventListener("click", () => go({ week: mondayOf(today()) }));
byId("more").addEventListener("click", async () => {
  try {
    const { workers, next } = await get(present(shown.next));
    shown = { ...shown, workers: [...shown.workers, ...workers], next };
    drawTable();
  } catch (problem) {
    fill(
      byId("said"),
      el("p", { class: "message bad" }, problem.message),
      againButton(problem, () => byId("more").click()),
    );
  }
});
addEventListener("popstate", () => {
  readAddress();
  byId("area").value = asked.area;
  beginPage(show);
});
readAddress();
openTaking(() => beginPage(show), gapWords);
await beginPage(show);
