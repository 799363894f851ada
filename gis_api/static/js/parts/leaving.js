// Somebody leaves: what they hold is listed, a successor is chosen, what would come of it is told before it is done.
import { call, get } from "../api.js";
import { number, t, when } from "../config.js";
import { el, fill, refusalBox } from "../dom.js";
import { ask } from "./dialogs.js";

const MOST_SHOWN = 12;
const MOST_OFFERED = 200;

// Resolves with what was handed over, null where the dialog was left. Asked for until it is taken or left.
export async function leave(worker) {
  const path = `/api/v1/workers/${encodeURIComponent(worker.number)}/leaving`;
  let refusal = null;
  for (;;) {
    const sent = await askSuccessor(worker, path, refusal);
    if (!sent) return null;
    try {
      return (await call("POST", path, { body: sent })).data;
    } catch (problem) {
      refusal = problem;
    }
  }
}

async function askSuccessor(worker, path, refusal) {
  let held, offered;
  try {
    [held, offered] = await Promise.all([get(path), offer(worker)]);
  } catch (problem) {
    await ask({ title: t("leaving.title", worker), body: refusalBox(problem), ready: () => false });
    return null;
  }
  const outcome = el("div", { role: "status", "data-test": "leaving-outcome" });
  const confirm = el("input", { type: "checkbox", name: "confirm" });
  const tick = el("label", { class: "tick", hidden: true }, confirm, el("span", {}, t("leaving.confirm")));
  const state = { asked: 0, ready: false };
  const successor = el("input", {
    ...{ name: "successor", list: "successors", maxlength: "60", autocomplete: "off" },
    placeholder: t("leaving.nobody"),
  });
  const reason = el("input", { name: "reason", maxlength: "500", autocomplete: "off" });
  const sent = () => ({ successor: successor.value.trim() || null, reason: reason.value.trim() });

  async function look() {
    const asked = ++state.asked;
    state.ready = false;
    try {
      const told = (await call("POST", `${path}?dry_run=true`, { body: sent() })).data;
      if (asked !== state.asked) return;
      const alone = told.unserved.length || told.tasks.some(({ to }) => to == null);
      tick.hidden = !alone;
      state.ready = true;
      fill(outcome, tell(told));
    } catch (problem) {
      if (asked === state.asked) fill(outcome, refusalBox(problem));
    }
    successor.dispatchEvent(new Event("input", { bubbles: true }));
  }
  successor.addEventListener("change", look);
  look();
  return ask({
    title: t("leaving.title", worker),
    body: [
      refusal && refusalBox(refusal),
      el("div", { "data-test": "leaving-held" }, list(held)),
      el("label", {}, el("span", {}, t("leaving.successor")), successor, offered),
      el("label", {}, el("span", {}, t("leaving.reason")), reason),
      outcome,
      tick,
    ].filter(Boolean),
    confirm: t("leaving.leave"),
    ready: () => state.ready && (tick.hidden || confirm.checked),
    answer: () => ({ ...sent(), confirm: !tick.hidden && confirm.checked }),
    test: "leaving-dialog",
  });
}

// Those of the same community first: who takes over a grid is mostly a neighbour.
async function offer(worker) {
  const { workers } = await get(`/api/v1/workers?area=${encodeURIComponent(worker.area)}&limit=${MOST_OFFERED}`);
  const others = workers.filter((one) => one.active && one.number !== worker.number);
  return el(
    "datalist",
    { id: "successors" },
    others.map((one) => el("option", { value: one.number }, `${one.name} ${one.grids.join(" ")}`)),
  );
}

const some = (codes) =>
  codes.slice(0, MOST_SHOWN).join(" ") + (codes.length > MOST_SHOWN ? ` … ${number(codes.length)}` : "");

function list(held) {
  const { shifts, templates, exceptions, stands_in: standsIn } = held.roster;
  const rows = [
    ["tasks", held.tasks.map(({ incident }) => `#${incident}`)],
    ["grids", held.grids.map(({ grid }) => grid)],
    ["accounts", held.accounts],
    ["emergencies", held.emergencies],
    ["drafts", held.drafts.map((plan) => `#${plan}`)],
  ];
  return el(
    "dl",
    { class: "facts" },
    rows.flatMap(([key, codes]) => [
      el("dt", {}, t(`leaving.${key}`)),
      el("dd", {}, codes.length ? some(codes) : t("leaving.none")),
    ]),
    el("dt", {}, t("leaving.roster")),
    el(
      "dd",
      {},
      t("leaving.roster_counts", { n: number(shifts + templates + exceptions), stands_in: number(standsIn) }),
    ),
  );
}

function tell(told) {
  const lines = told.tasks.map(({ incident, to }) =>
    to ? t("leaving.task_to", { incident, to }) : t("leaving.task_waits", { incident }),
  );
  const gaps = told.new_gaps
    .slice(0, MOST_SHOWN)
    .map(({ name, since, until }) => t("leaving.gap", { name, since: when(since), until: when(until) }));
  const unserved = told.unserved.length ? [t("leaving.unserved", { grids: some(told.unserved) })] : [];
  const bad = [...unserved, ...gaps];
  return [
    lines.length
      ? el(
          "ul",
          {},
          lines.map((words) => el("li", {}, words)),
        )
      : null,
    bad.length
      ? el(
          "div",
          { class: "message bad" },
          el(
            "ul",
            {},
            bad.map((words) => el("li", {}, words)),
          ),
        )
      : el("p", { class: "message good" }, t("leaving.nothing_left")),
  ];
}
