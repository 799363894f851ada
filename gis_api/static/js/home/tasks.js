// The cases of a worker or a department: what they have in hand first, one big action each; then what they reported.
import { get } from "../api.js";
import { config, t } from "../config.js";
import { el, fill } from "../dom.js";
import { categoriesOf, incidentRow } from "../parts/incident.js";
import { caseOf } from "../parts/case.js";
import { LEADING, stepsOf } from "../parts/steps.js";

const URGENCY = ["critical", "high", "normal", "low"];
const REFRESH_MS = 20_000;

export async function show(body) {
  const names = new Map(await categoriesOf());
  const refresh = () => paint(body, names, refresh);
  document.addEventListener("connection-back", refresh);
  document.addEventListener("incident-stored", refresh);
  setInterval(() => idle(body) && refresh().catch(() => {}), REFRESH_MS);
  await refresh();
}

// Nothing is opened or typed that a refresh would take away.
const idle = (body) =>
  !document.hidden &&
  !body.querySelector("details[open], form, .message:not([hidden])") &&
  !body.matches(":focus-within");

const waitsForMe = ({ may }) => may.some(({ step }) => LEADING.includes(step));

// What a department has handled is no longer its work; a worker follows what they reported to its end.
const isFollowed = ({ stage }) => config.person.role === "worker" || ["file", "dispatch", "handle"].includes(stage);

async function paint(body, names, refresh) {
  const query = new URLSearchParams({ mine: "true", living: "true", order: "deadline", limit: "200" });
  const { incidents } = await get(`/api/v1/incidents?${query}`);
  const sorted = incidents.sort((a, b) => URGENCY.indexOf(a.urgency) - URGENCY.indexOf(b.urgency));
  const mine = sorted.filter(waitsForMe);
  const others = sorted.filter((one) => !waitsForMe(one) && isFollowed(one));
  if (!sorted.length) {
    fill(body, el("p", { class: "empty" }, t("tasks.none")));
    return;
  }
  const list = (tasks, test) =>
    el(
      "ul",
      { class: "rows", "data-test": test },
      tasks.map((task) => taskRow(task, names, refresh)),
    );
  fill(
    body,
    mine.length ? list(mine, "tasks") : el("p", { class: "empty" }, t("tasks.none")),
    others.length
      ? [
          el("h3", {}, t(config.person.role === "worker" ? "tasks.followed" : "tasks.elsewhere")),
          list(others, "followed"),
        ]
      : null,
  );
}

function taskRow(task, names, refresh) {
  const big = stepsOf(task, refresh, { all: false });
  return incidentRow(task, names, big, caseOf(task.id, refresh));
}
