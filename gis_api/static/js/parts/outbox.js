// What was pressed without a connection: kept by the browser, sent when the service answers again or the page opens.
import { call, ConnectionLost } from "../api.js";
import { has, t } from "../config.js";
import { byQuery, el, fill } from "../dom.js";
import { newKey, Queue } from "./queue.js";

const kept = new Queue("home");
// Answers that say nothing of what was sent: it is tried again later.
const LATER = [429, 502, 503, 504];

export class Kept extends Error {}

const isLater = (problem) => problem instanceof ConnectionLost || LATER.includes(problem.status);

// The answer of a POST. Without one what was sent stays here, and Kept says so; a refusal is thrown as it is.
export async function post(path, body, { headers = {}, leads = null } = {}) {
  const entry = { key: newKey(), at: Date.now(), number: 0, path, body, headers, leads };
  const durable = await kept.durable();
  if (durable) await kept.keep(entry);
  try {
    const { data } = await call("POST", path, { body, headers });
    await kept.drop(entry.key);
    return data;
  } catch (problem) {
    if (!isLater(problem)) {
      await kept.drop(entry.key);
      throw problem;
    }
    await show();
    throw new Kept(t((await kept.durable()) ? "case.kept" : "case.not_kept"));
  }
}

// A step whose answer was lost has been taken: the incident is where it leads.
const wasTaken = (problem, entry) => problem.status === 409 && entry.leads && problem.body.state === entry.leads;

let sending = false;

// Everything kept, in order; what is refused is told and goes, what cannot be sent stays.
export async function sendKept() {
  if (sending) return;
  sending = true;
  try {
    for (const entry of await kept.list()) await again(entry);
  } catch (problem) {
    if (!isLater(problem) && problem.status !== 401) throw problem;
  } finally {
    sending = false;
    await show();
  }
}

async function again(entry) {
  try {
    await call("POST", entry.path, { body: entry.body, headers: entry.headers });
  } catch (problem) {
    if (isLater(problem) || problem.status === 401) throw problem;
    if (!wasTaken(problem, entry)) refused.push({ entry, problem });
  }
  await kept.drop(entry.key);
  document.dispatchEvent(new CustomEvent("incident-stored"));
}

const refused = [];
const wordOf = ({ step }) => (step && has(`steps.do_${step}`) ? t(`steps.do_${step}`) : t("steps.do_report"));

// The line above the cards: how many wait here to be sent, and what was refused afterwards.
async function show() {
  const box = document.querySelector('[data-test="unsent"]') ?? made();
  const waiting = (await kept.list()).length;
  const lines = refused.map(({ entry, problem }) =>
    el("div", {}, t("case.refused_later", { what: wordOf(entry.body), why: problem.message })),
  );
  box.hidden = !waiting && !lines.length;
  fill(box, waiting ? el("div", {}, t("case.unsent", { n: waiting })) : null, lines);
}

function made() {
  const box = el("div", { class: "message bad", role: "status", "data-test": "unsent", hidden: true });
  byQuery(".home > header, .queue, .panel").append(box);
  return box;
}

document.addEventListener("connection-back", sendKept);
sendKept();
