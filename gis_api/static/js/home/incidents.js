// The queue: every living case of the reader's area, what is due first, with its clock and the bar of its steps.
import { get } from "../api.js";
import { has, number, t, when } from "../config.js";
import { againButton, el, fill } from "../dom.js";
import { caseOf } from "./case.js";
import { clockOf, tick } from "./clock.js";
import { categoriesOf } from "./report.js";
import { select } from "./where.js";

const WAY = ["reported", "dispatched", "accepted", "arrived", "handled", "verified", "fed_back"];
const LIVING = ["reported", "waiting", "triaged", ...WAY.slice(1)];
const SHOWN = 20;
const REFRESH_MS = 15_000;

export const stateWords = (state) => (has(`steps.${state}`) ? t(`steps.${state}`) : state);

export function stepBar(state) {
  const at =
    state === "closed" ? WAY.length : WAY.indexOf(state === "triaged" || state === "waiting" ? "reported" : state);
  return el(
    "div",
    { class: "steps", role: "img", "aria-label": stateWords(state) },
    WAY.map((_, i) => el("i", { class: i < at ? "done" : i === at ? "now" : "" })),
  );
}

export async function show(body) {
  const categories = await categoriesOf();
  const queue = new Queue(new Map(categories), await streets());
  fill(body, queue.head, queue.list, queue.foot);
  document.addEventListener("incident-stored", () => queue.refresh());
  document.addEventListener("connection-back", () => queue.refresh());
  setInterval(() => queue.idle() && queue.refresh(), REFRESH_MS);
  setInterval(() => tick(queue.list), 1000);
  await queue.refresh();
}

// [code, name] of the streets of the reader's area.
async function streets() {
  const { features } = await get("/api/v1/areas?limit=1000").catch(() => ({ features: [] }));
  const found = features.map(({ properties }) => properties).filter(({ level }) => level === "subdistrict");
  return found.map(({ code, name }) => [code, name || code]);
}

class Queue {
  constructor(names, areas) {
    this.names = names;
    this.which = "living";
    this.shown = SHOWN;
    this.list = el("ul", { class: "rows", "data-test": "incidents" });
    this.foot = el("div", { class: "actions" });
    this.chips = el("div", { class: "actions", role: "group", "data-test": "queue-chips" });
    this.form = el(
      "form",
      { class: "filters", "data-test": "queue-filters" },
      this.filter(
        "state",
        [...LIVING].map((state) => [state, stateWords(state)]),
      ),
      this.filter("area", areas),
      this.filter("category", [...names]),
    );
    this.form.addEventListener("change", () => this.refresh());
    this.head = el("div", { class: "queue-head" }, this.chips, this.form);
  }

  filter(name, options) {
    const chosen = select(name, [["", t(`incidents.all_${name}`)], ...options], "");
    chosen.setAttribute("aria-label", t(`incidents.all_${name}`));
    return chosen;
  }

  // Nothing is opened that a refresh would close.
  idle() {
    return !document.hidden && !this.list.querySelector("details[open]");
  }

  query() {
    const asked = new URLSearchParams({ order: "deadline", count: "true", limit: String(this.shown) });
    if (this.which === "ended") asked.set("state", "closed,cancelled,duplicate,void");
    else asked.set("living", "true");
    if (this.which === "ended") asked.set("order", "newest");
    if (this.which === "overdue") asked.set("overdue", "true");
    if (this.which === "waiting") asked.set("state", "waiting");
    for (const [name, value] of new FormData(this.form)) if (value && !asked.has(name)) asked.set(name, value);
    return asked;
  }

  async refresh() {
    try {
      const { incidents, next, counts } = await get(`/api/v1/incidents?${this.query()}`);
      fill(this.list, incidents.length ? incidents.map((one) => this.row(one)) : this.empty());
      fill(
        this.chips,
        ["living", "overdue", "waiting", "ended"].map((name) => this.chip(name, counts[name])),
      );
      fill(this.foot, next ? this.more() : null);
    } catch (problem) {
      fill(
        this.foot,
        el("p", { class: "message bad", role: "alert" }, problem.message),
        againButton(problem, () => this.refresh()),
      );
    }
  }

  empty() {
    return el("li", { class: "empty" }, t(this.which === "living" ? "incidents.none" : "incidents.none_such"));
  }

  chip(name, count) {
    const pressed = String(this.which === name);
    const choose = () => {
      this.which = name;
      this.refresh();
    };
    const words = count == null ? t(`incidents.only_${name}`) : `${t(`incidents.only_${name}`)} ${number(count)}`;
    return el(
      "button",
      { type: "button", class: "chip", "aria-pressed": pressed, "data-chip": name, onclick: choose },
      words,
    );
  }

  more() {
    const further = () => {
      this.shown += SHOWN;
      this.refresh();
    };
    return el(
      "button",
      { type: "button", class: "small", "data-test": "queue-more", onclick: further },
      t("incidents.more"),
    );
  }

  // A row whose details open; a step taken there changes the row and leaves the others alone.
  row(incident) {
    const details = caseOf(incident.id, (after) =>
      shown.replaceChildren(...incidentRow(after, this.names, details).childNodes),
    );
    const shown = incidentRow(incident, this.names, details);
    return shown;
  }
}

export function incidentRow(incident, names, ...more) {
  const code = incident.current_code;
  const mood = ["critical", "high"].includes(incident.urgency) ? "urgent" : incident.overdue ? "late" : "";
  const who = incident.assignment?.name ?? incident.waiting_text ?? incident.unit_code;
  return el(
    "li",
    { class: mood, "data-incident": incident.id },
    el(
      "header",
      {},
      el("b", {}, names.get(incident.category) ?? incident.category),
      el("span", { class: "quiet" }, when(incident.reported_at)),
      clockOf(incident),
    ),
    incident.description ? el("p", {}, incident.description) : null,
    el(
      "p",
      { class: "quiet" },
      code ? el("a", { href: `/grid/${encodeURIComponent(code)}` }, code) : null,
      [
        ` ${stateWords(incident.state)}`,
        who,
        t(`steps.urgency_${incident.urgency}`),
        incident.overdue ? t("steps.overdue") : null,
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    stepBar(incident.state),
    ...more.filter(Boolean),
  );
}
