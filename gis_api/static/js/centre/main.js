// The desk of a centre: the queue, who is where, and why this worker goes to the chosen case.
import { get } from "../api.js";
import { mayComeBack } from "../again.js";
import { clock, config, number, t } from "../config.js";
import { againButton, beginPage, byId, byQuery, el, fill, skeleton } from "../dom.js";
import { goTo } from "../map/flash.js";
import { SearchBox } from "../map/search.js";
import { callsOf } from "../parts/calls.js";
import { askedOf, knownOf, wayOf } from "../parts/case.js";
import { clockOf, tick } from "../parts/clock.js";
import { DeskMap } from "../parts/desk_map.js";
import { EventLine } from "../parts/event_line.js";
import { categoriesOf, stateWords } from "../parts/incident.js";
import { joinedOf, likelyOf } from "../parts/likely.js";
import { photosOf } from "../parts/photos.js";
import { partsOf } from "../parts/split.js";
import { stepsOf } from "../parts/steps.js";
import { wayTo } from "../parts/way.js";
import { whyOf, whyTitle } from "../parts/why.js";
import { EmergencyDesk } from "./emergency.js";
import { CentreQueue } from "./queue.js";
import { showSilent } from "./silent.js";

// How often to ask while nothing tells by itself what happens, and how often all the same.
const QUEUE_MS = 4_000;
const PEOPLE_MS = 3_000;
const SELDOM_MS = 30_000;
// Several things that happen at once are looked at together.
const SOON_MS = 300;
const FRESH_MS = 5 * 60_000;
const desk = new DeskMap({ onCase: (id) => queue?.take(id) });
let names = new Map();
const emergency = new EmergencyDesk({
  changed: () => refreshNow(),
  around: () => shown?.incident.current_code ?? config.person.area,
});
/** @type {CentreQueue} made before anything is shown */
let queue;
/** @type {{incident: any, decision: any, way: any} | null} */
let shown = null;
let asked = 0;
let heard = new Date();

const addressOf = (id) => `/api/v1/incidents/${encodeURIComponent(id)}`;

// What stands above the queue.
const aside = () => Promise.all([emergency.refresh(), showSilent((id) => queue.take(id))]);

async function open() {
  names = new Map(await categoriesOf());
  queue = new CentreQueue(names, choose);
  await Promise.all([queue.refresh(), desk.load(config.person.area), people(), aside()]);
  desk.set({ cases: queue.cases });
  const wanted = new URLSearchParams(window.location.search).get("case");
  if (wanted) queue.take(wanted);
}

// The last that was asked for is what is shown, however the answers come in.
async function choose(id) {
  const turn = ++asked;
  if (shown?.incident.id !== id) fill(byId("detail"), el("section", {}, skeleton(6)));
  try {
    const told = await read(id);
    if (turn !== asked) return;
    const fresh = shown?.incident.id !== id;
    const way = tell(told);
    if (!fresh) return;
    desk.goTo(told.incident, told.decision);
    const found = await way;
    if (found && turn === asked) desk.goTo(told.incident, told.decision, found);
  } catch (problem) {
    if (turn !== asked) return;
    const again = againButton(problem, () => choose(id));
    fill(byId("detail"), el("section", {}, el("p", { class: "message bad", role: "alert" }, problem.message), again));
  }
}

async function read(id) {
  const incident = await get(addressOf(id));
  const decision = incident.decision ? await decisionOf(id) : null;
  return { incident, decision };
}

// A decision that may not be read is none; one that cannot be had for the moment is asked for again with its case.
const decisionOf = (id) =>
  get(`${addressOf(id)}/decision`).catch((problem) => (mayComeBack(problem) ? Promise.reject(problem) : null));

// Resolves with the way to who was chosen.
function tell({ incident, decision }) {
  const known = shown && shown.decision?.id === decision?.id ? shown.way : null;
  const mine = { incident, decision, way: known };
  shown = mine;
  desk.set({ chosen: incident, decision, way: known, cases: queue.cases });
  const way = wayTo(incident.id, decision, () => shown === mine).then((found) => {
    mine.way = found;
    if (shown === mine) desk.set({ way: found });
    return found;
  });
  const again = async () => {
    await choose(incident.id);
    await queue.refresh();
  };
  const what = [names.get(incident.category) ?? incident.category, incident.description].filter(Boolean).join(" · ");
  fill(
    byId("detail"),
    el(
      "section",
      {},
      el("h2", { "data-test": "centre-what" }, what),
      el("p", {}, stateWords(incident.state), " · ", clockOf(incident) ?? ""),
      knownOf(incident),
      askedOf(incident),
      joinedOf(incident),
      partsOf(incident),
      callsOf(incident),
    ),
    el("section", {}, el("h2", {}, whyTitle(incident, decision)), whyOf(incident, decision, way)),
    el("section", { class: "todo" }, stepsOf(incident, again), links(incident), likelyOf(incident, names, again)),
    el("section", {}, el("h2", {}, t("photos.title")), photosOf(incident, again)),
    el("section", {}, el("h2", {}, t("case.timeline")), wayOf(incident)),
  );
  return way;
}

function links({ id }) {
  const near = () => shown && desk.goTo(shown.incident, shown.decision, shown.way);
  return el(
    "div",
    { class: "actions" },
    el("button", { type: "button", class: "small", onclick: near }, t("centre.locate")),
    el("a", { class: "button small", href: `/incidents/${encodeURIComponent(id)}` }, t("centre.open")),
  );
}

async function people() {
  const { workers, stale, updated_at: at } = await get("/api/v1/positions");
  desk.set({ workers });
  heard = new Date();
  live(stale ? t("centre.stale", { at: clock(at) }) : t("centre.live", { people: number(workers.length) }), stale);
}

function live(words, bad) {
  byId("live").textContent = words;
  byId("live").className = bad ? "live bad" : "live";
}

const unreachable = () => live(t("centre.unreachable", { at: clock(heard) }), true);

// Nothing is being typed or read out that a refresh would take away.
const idle = () => !byQuery("#detail form, #detail .message.bad:not([hidden])");

async function refresh() {
  await Promise.all([queue.refresh(), aside()]);
  desk.set({ cases: queue.cases });
  const now = queue.cases.find(({ id }) => id === shown?.incident.id);
  if (now && now.changed_at !== shown?.incident.changed_at && idle()) await choose(now.id);
}

const KEYS = {
  ArrowDown: () => queue.move(1),
  ArrowUp: () => queue.move(-1),
  j: () => queue.move(1),
  k: () => queue.move(-1),
  Enter: () => shown && window.location.assign(`/incidents/${encodeURIComponent(shown.incident.id)}`),
  l: () => shown && desk.goTo(shown.incident, shown.decision, shown.way),
  r: () => refreshNow(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, button, a, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !queue) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// Whoever is on the map already moves; of the others, and of fixes that came late, the list knows more.
function move({ workers }) {
  const fresh = workers.filter(({ fixed_at: at }) => Date.now() - Date.parse(at) < FRESH_MS);
  const places = new Map(fresh.map((one) => [one.number, one]));
  const known = desk.workers.filter(({ number: staff }) => places.has(staff)).length;
  const moved = (one) => {
    const { lon, lat } = places.get(one.number);
    return { ...one, lon, lat, freshness: "fresh", at_home: false };
  };
  desk.set({ workers: desk.workers.map((one) => (places.has(one.number) ? moved(one) : one)) });
  if (known < workers.length) peopleSoon();
}

// Call soon what was asked for several times at once; a page that nobody sees waits until it is seen.
function soon(reading) {
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null;
  const act = async () => {
    due = null;
    if (document.hidden || !queue) return;
    await reading.ask().catch(unreachable);
  };
  const ask = () => {
    due ??= setTimeout(act, SOON_MS);
  };
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  return ask;
}

// What is read again and again, by whoever asks; what could not be read is owed until a later turn has read it.
class Reading {
  constructor(work, back = () => {}) {
    this.work = work;
    this.back = back;
    this.turn = 0;
    this.owed = 0;
  }

  async ask() {
    const turn = ++this.turn;
    try {
      await this.work();
    } catch (problem) {
      this.owed = turn;
      throw problem;
    }
    if (!this.owed || turn < this.owed) return;
    this.owed = 0;
    this.back();
  }
}

// Whether all is well is said by the people: they are asked once more when the cases are back.
const cases = new Reading(refresh, () => peopleSoon());
const crowd = new Reading(people);
const refreshNow = () => cases.ask().catch(unreachable);
const refreshSoon = soon(cases);
const peopleSoon = soon(crowd);

function readAll() {
  refreshSoon();
  peopleSoon();
}

const line = new EventLine((since) => `/api/v1/live${since ? `?since=${encodeURIComponent(since)}` : ""}`, {
  hello: readAll,
  reload: readAll,
  incident: refreshSoon,
  check_in: refreshSoon,
  positions: move,
  stale: ({ stale }) => (stale ? live(t("centre.stale", { at: clock(heard) }), true) : readAll()),
  over: () => line.leave(),
});

// Until the session is over: what then is to be done the page says by itself (`api.js`).
function often(reading, every) {
  let askedAt = Date.now();
  const timer = setInterval(async () => {
    const told = line.connected && !reading.owed;
    if (document.hidden || !queue || (told && Date.now() - askedAt < SELDOM_MS)) return;
    askedAt = Date.now();
    try {
      await reading.ask();
    } catch (problem) {
      unreachable();
      if (problem.status === 401) clearInterval(timer);
    }
  }, every);
}

await beginPage(open);
new SearchBox({ chosen: goTo });
often(cases, QUEUE_MS);
often(crowd, PEOPLE_MS);
setInterval(() => tick(byId("main")), 1000);
document.addEventListener("connection-back", refreshNow);
