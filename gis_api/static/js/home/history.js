// What was done, newest first, and whether the chain of it holds.
import { get } from "../api.js";
import { has, number, t, when } from "../config.js";
import { el, failureBox, fill, stacking } from "../dom.js";

const COLUMNS = ["at", "by", "what", "subject"];

export async function show(body) {
  const rows = el("tbody");
  const heads = COLUMNS.map((key) => el("th", {}, t(`history.${key}`)));
  const table = el("table", { "data-test": "history" }, el("thead", {}, el("tr", {}, heads)), rows);
  const more = el("button", { type: "button", class: "small", "data-test": "history-more" }, t("history.more"));
  let next = "/api/v1/history";
  const read = async () => {
    const page = await get(next);
    rows.append(...page.entries.map(row));
    stacking(table);
    next = page.next;
    more.hidden = !next;
  };
  await read();
  const further = async () => {
    try {
      await read();
      fill(said);
    } catch (problem) {
      fill(said, failureBox(problem, further));
    }
  };
  more.addEventListener("click", further);
  const said = el("div", { role: "status", "data-test": "chain" });
  fill(
    body,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", "data-test": "check-chain", onclick: () => check(said) }, t("history.check")),
    ),
    said,
    rows.childElementCount ? el("div", { class: "scroll log" }, table) : el("p", { class: "empty" }, t("history.none")),
    more,
  );
}

function row({ at, actor, action, subject, details }) {
  return el(
    "tr",
    { title: JSON.stringify(details) },
    [when(at), actorOf(actor), wordsOf(action), subjectOf(subject)].map((words) => el("td", {}, words)),
  );
}

// Actions without a word of their own stand as they are stored.
function wordsOf(action) {
  const key = `history.did_${action.replaceAll(".", "_")}`;
  return has(key) ? t(key) : action;
}

// What an entry is about stands as "plan:12", and layers of released months as "incidents/2026-10".
function subjectOf(subject) {
  const [, kind, name] = subject.match(/^(\w+)[:/](.+)$/) ?? [null, subject, ""];
  return has(`history.of_${kind}`) ? t(`history.of_${kind}`, { name }) : subject;
}

const actorOf = (actor) => (has(`history.by_${actor}`) ? t(`history.by_${actor}`) : actor);

async function check(said) {
  fill(said, el("p", { class: "quiet" }, t("history.checking")));
  try {
    const { holds, lines, sealed, broken_at: place } = await get("/api/v1/history/chain");
    const words = holds
      ? t("history.holds", { sealed: number(sealed), waiting: number(lines - sealed) })
      : t("history.broken", { n: number(place) });
    fill(said, el("p", { class: `message ${holds ? "good" : "bad"}` }, words));
  } catch (problem) {
    const again = () => check(said);
    fill(said, failureBox(problem, again));
  }
}
