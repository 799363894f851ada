// The worker's tasks, what is urgent first, one big step each. A step that is kept is taken as taken: the next one is
// offered by the same table of the workflow, and the service has the last word when it comes to it.
import { config, t } from "../config.js";
import { el, fill } from "../dom.js";
import { checkInOf } from "../parts/check_in.js";
import { tick } from "../parts/clock.js";
import { incidentRow } from "../parts/incident.js";
import { getOrKept, keepAnswer } from "../parts/kept_answers.js";
import { currentFix, LEADING, stepsOf } from "../parts/steps.js";
import { onServer } from "../server_clock.js";
import { shotOf } from "./shots.js";

const URGENCY = ["critical", "high", "normal", "low"];
const CHECKED = ["accepted", "arrived"];
const MINUTE_MS = 60_000;
const MINE = "/api/v1/incidents?mine=true&living=true&order=deadline&limit=200";

// How an incident will be once this step has been sent.
export function ahead(task, rule) {
  const state = rule.to_state ?? task.state;
  const taken = (row) => row.step === rule.step && state === task.state && row.step !== "check_in";
  const check = checkAhead(task, rule, state);
  const parts = check?.deadline ? [...task.reader_is, "watched"] : task.reader_is.filter((part) => part !== "watched");
  const fits = (row) => row.after.includes(state) && !taken(row) && row.who.some((part) => parts.includes(part));
  const may = [
    ...new Map(
      config.workflow
        .filter(fits)
        .reverse()
        .map((row) => [row.step, row.may]),
    ).values(),
  ].reverse();
  return { ...task, state, may, reader_is: parts, check_in: check, clock: null, due_at: null };
}

// The word that is awaited after this step, counted from now: the service will count it from when it was pressed.
function checkAhead({ check_in: told, state: before }, { step }, state) {
  if (!told || !CHECKED.includes(state)) return null;
  const begins = state !== before || step === "check_in";
  const deadline = begins ? onServer(Date.now() + told.minutes * MINUTE_MS) : told.deadline;
  return { ...told, deadline, overdue: false, missed_at: begins ? null : told.missed_at };
}

const waitsForMe = ({ may }) => may.some(({ step }) => LEADING.includes(step));

// Resolves with when the list was had, null for now.
export async function showTasks(body) {
  const [{ data: known }, { data, at }] = await Promise.all([getOrKept("/api/v1/categories"), getOrKept(MINE)]);
  const names = new Map(known.categories.map(({ code, name }) => [code, name]));
  const again = () => showTasks(body).catch(() => null);
  const rows = [...data.incidents].sort((a, b) => URGENCY.indexOf(a.urgency) - URGENCY.indexOf(b.urgency));
  const kept = async (task, rule) => {
    const incidents = data.incidents.map((one) => (one.id === task.id ? ahead(one, rule) : one));
    await keepAnswer(MINE, { ...data, incidents }, at ?? Date.now());
    await again();
  };
  const list = (tasks, test) =>
    el(
      "ul",
      { class: "rows", "data-test": test },
      tasks.map((task) => rowOf(task, names, again, kept)),
    );
  const mine = rows.filter(waitsForMe);
  const others = rows.filter((task) => !waitsForMe(task));
  fill(
    body,
    mine.length ? list(mine, "tasks") : el("p", { class: "empty" }, t("tasks.none")),
    others.length ? [el("h3", {}, t("tasks.followed")), list(others, "followed")] : null,
  );
  tick(body);
  return at;
}

function rowOf(task, names, again, kept) {
  const onKept = (rule) => kept(task, rule);
  const open = el("a", { href: `/incidents/${encodeURIComponent(task.id)}` }, t("case.open_page"));
  return incidentRow(
    task,
    names,
    checkInOf(task),
    stepsOf(task, again, { all: true, onKept }),
    shotOf(task, currentFix),
    open,
  );
}
