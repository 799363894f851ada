// The tasks of a worker or a department: one big action each, the next step that may follow.
import { call, get } from "../api.js";
import { config, t } from "../config.js";
import { el, fill } from "../dom.js";
import { categoriesOf, incidentRow } from "../parts/incident.js";

// What a worker or a department does next in each state; everything later is the dispatcher's.
const NEXT = {
  worker: { dispatched: "accept", accepted: "arrive", arrived: "handle" },
  unit: { accepted: "arrive", arrived: "handle" },
};
const URGENCY = ["critical", "high", "normal", "low"];

export async function show(body) {
  const names = new Map(await categoriesOf());
  const refresh = () => paint(body, names, refresh);
  document.addEventListener("connection-back", refresh);
  await refresh();
}

async function paint(body, names, refresh) {
  const next = NEXT[config.person.role];
  const query = new URLSearchParams({ state: Object.keys(next).join(), limit: "500" });
  const { incidents } = await get(`/api/v1/incidents?${query}`);
  const found = incidents.filter(
    (incident) => config.person.role !== "worker" || incident.assignment?.worker === config.worker,
  );
  const tasks = found.sort((a, b) => URGENCY.indexOf(a.urgency) - URGENCY.indexOf(b.urgency)).slice(0, 20);
  if (!tasks.length) {
    fill(body, el("p", { class: "empty" }, t("tasks.none")));
    return;
  }
  fill(
    body,
    el(
      "ul",
      { class: "rows", "data-test": "tasks" },
      tasks.map((task) => taskRow(task, names, refresh)),
    ),
  );
}

function taskRow(task, names, refresh) {
  const step = NEXT[config.person.role][task.state];
  const said = el("p", { class: "message bad", role: "alert", hidden: true });
  const button = el("button", { type: "button", class: "main", "data-step": step }, t(`steps.do_${step}`));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("POST", `/api/v1/incidents/${encodeURIComponent(task.id)}/steps`, {
        body: { step, ...(await place(step)) },
      });
      await refresh();
    } catch (problem) {
      said.textContent = problem.message;
      said.hidden = false;
      button.disabled = false;
    }
  });
  return incidentRow(task, names, el("div", { class: "actions" }, button), said);
}

// Arriving happens on the spot: the position goes along where the device gives one.
async function place(step) {
  if (step !== "arrive" || config.person.role !== "worker" || !navigator.geolocation) return {};
  const fix = await new Promise((resolve) =>
    navigator.geolocation.getCurrentPosition(resolve, () => resolve(null), { enableHighAccuracy: true, timeout: 6000 }),
  );
  return fix ? { lon: fix.coords.longitude, lat: fix.coords.latitude, datum: "wgs84" } : {};
}
