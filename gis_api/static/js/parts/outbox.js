// What was pressed without a connection: kept by the browser, sent in order when the service answers again or the page
// opens. What is refused then stays, with the reason, until somebody has looked at it.
import { whenBack } from "../again.js";
import { call, ConnectionLost } from "../api.js";
import { has, t } from "../config.js";
import { byQuery, el, fill } from "../dom.js";
import { onServer } from "../server_clock.js";
import { newKey, Queue } from "./queue.js";

const kept = new Queue("home");
// Answers that say nothing of what was sent: it is tried again later. Whoever is signed out signs in first.
const LATER = [401, 429, 502, 503, 504];

// What could not be sent now and is kept; `key` names it.
export class Kept extends Error {
  constructor(words, key = null) {
    super(words);
    this.key = key;
  }
}

const isLater = (problem) => problem instanceof ConnectionLost || LATER.includes(problem.status);

// The answer of a POST. Without one what was sent stays here, and Kept says so; a refusal is thrown as it is.
export const post = (path, body, { headers = {}, leads = null } = {}) => handOver({ path, body, headers, leads });

/**
 * A photo of an incident (`path`), or of a report that is still kept itself (`of`, its key).
 * @param {{path?: string, of?: string | null, photo: object}} told
 */
export const postPhoto = ({ path = "", of = null, photo }) => handOver({ path, of, photo, headers: {} });

// Whom somebody waits for, by key: what became of it, null before that. Whoever sends it next may be another turn.
const awaited = new Map();

async function handOver(told) {
  const at = Math.max(Date.now(), ...(await kept.list()).map((entry) => entry.at + 1));
  const entry = { key: newKey(), at, number: 0, pressedAt: onServer(), leads: null, ...told };
  awaited.set(entry.key, null);
  if (await kept.durable()) await kept.keep(entry);
  const later = await sendInTurn(entry);
  const outcome = awaited.get(entry.key);
  awaited.delete(entry.key);
  if (outcome?.problem) throw outcome.problem;
  if (outcome) return outcome.data;
  await show();
  if (!(await kept.durable())) throw new Kept(t("case.not_kept"));
  throw new Kept(t(`case.${wordsWhy(later)}`), entry.key);
}

function wordsWhy(later) {
  if (later?.status === 401) return "kept_signed_out";
  return later && !(later instanceof ConnectionLost) ? "kept_away" : "kept";
}

// One at a time, also where several tabs have the same things to send.
let turn = Promise.resolve();
function inTurn(work) {
  const alone = () => (navigator.locks ? navigator.locks.request("wangge-outbox", work) : work());
  const done = turn.then(alone, alone);
  turn = done.then(
    () => undefined,
    () => undefined,
  );
  return done;
}

const isReady = (entry) => !entry.refused && !entry.of;

// Everything kept, in order, until something cannot be sent: why, null where all went out. A browser that keeps nothing
// has `own` alone.
async function sendAll(own) {
  for (;;) {
    const waiting = (await kept.list()).filter(isReady);
    const unkept = (await kept.durable()) || own?.of || awaited.get(own?.key) ? null : own;
    const entry = waiting[0] ?? unkept;
    if (!entry) return null;
    try {
      await sendOne(entry);
    } catch (problem) {
      if (!isLater(problem)) throw problem;
      return problem;
    }
  }
}

async function sendOne(entry) {
  const mine = awaited.has(entry.key);
  try {
    const { data } = await sent(entry, mine);
    await answered(entry, data);
    if (mine) awaited.set(entry.key, { data });
  } catch (problem) {
    if (isLater(problem)) throw problem;
    if (mine) awaited.set(entry.key, { problem });
    if (mine || wasTaken(problem, entry) || isMoot(problem, entry)) await kept.drop(entry.key);
    else await kept.keep({ ...entry, refused: problem.message });
  }
  if (!mine) document.dispatchEvent(new CustomEvent("incident-stored"));
}

// A step that was kept says when it was pressed.
function sent({ path, body, headers, photo, pressedAt }, first) {
  if (photo) return call("POST", path, { body: formOf(photo) });
  const late = body.step && !first;
  return call("POST", path, { body: late ? { ...body, taken_at: pressedAt } : body, headers });
}

function formOf({ file, kind, taken_at: takenAt, lon, lat }) {
  const form = new FormData();
  form.append("file", file, "photo.jpg");
  form.append("kind", kind);
  form.append("taken_at", takenAt);
  if (lon != null) {
    form.append("lon", String(lon));
    form.append("lat", String(lat));
  }
  return form;
}

// The photos of a report that is stored now have an address.
async function answered(entry, data) {
  await kept.drop(entry.key);
  for (const one of (await kept.list()).filter(({ of }) => of === entry.key))
    await kept.keep({ ...one, of: null, path: `/api/v1/incidents/${encodeURIComponent(data.id)}/photos` });
}

// A step whose answer was lost has been taken: the incident is where it leads.
const wasTaken = (problem, entry) => problem.status === 409 && entry.leads && problem.body.state === entry.leads;

// Nobody waits any more for the word that somebody is well.
const isMoot = (problem, { body }) => problem.status === 409 && body?.step === "check_in";

export async function sendKept() {
  await sendInTurn(null);
  await show();
}

// A service that answers, and says that it cannot take anything now (its database is away), tells nobody when it can:
// what is kept asks. A lost line is watched elsewhere, and whoever is signed out signs in first.
let asking = false;
async function sendInTurn(own) {
  const later = await inTurn(() => sendAll(own));
  if (later && !(later instanceof ConnectionLost) && later.status !== 401 && !asking) {
    asking = true;
    whenBack(
      () => {
        asking = false;
        sendKept();
      },
      () => asking,
    );
  }
  return later;
}

const wordOf = ({ body, photo }) => {
  if (photo) return t("photos.title");
  return body.step && has(`steps.do_${body.step}`) ? t(`steps.do_${body.step}`) : t("steps.do_report");
};

// The line above the cards: how many wait here to be sent, and what was refused afterwards.
async function show() {
  const box = document.querySelector('[data-test="unsent"]') ?? made();
  const all = await kept.list();
  const refused = all.filter((entry) => entry.refused);
  const waiting = all.length - refused.length;
  box.hidden = !all.length;
  fill(box, waiting ? el("div", {}, t("case.unsent", { n: waiting })) : null, refused.map(refusedLine));
}

function refusedLine(entry) {
  const what = [wordOf(entry), entry.body?.description].filter(Boolean).join(" · ");
  const act = (words, test, onclick) =>
    el("button", { type: "button", class: "small", "data-test": test, onclick }, words);
  const drop = async () => {
    const own = (await kept.list()).filter(({ key, of }) => key === entry.key || of === entry.key);
    for (const { key } of own) await kept.drop(key);
    await show();
  };
  const again = async () => {
    await kept.keep({ ...entry, refused: null });
    await sendKept();
  };
  return el(
    "div",
    { class: "actions", "data-test": "refused" },
    el("span", {}, t("case.refused_later", { what, why: entry.refused })),
    act(t("frame.try_again"), "refused-again", again),
    act(t("case.drop_refused"), "refused-drop", drop),
  );
}

function made() {
  const box = el("div", { class: "message bad", role: "status", "data-test": "unsent", hidden: true });
  byQuery(".home > header, .phone > header, .queue, .panel").append(box);
  return box;
}

document.addEventListener("connection-back", sendKept);
addEventListener("online", sendKept);
sendKept();
