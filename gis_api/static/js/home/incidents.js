// The queue: every living case of the reader's area, what is due first, with its clock and the bar of its steps.
import { untilThere } from "../again.js";
import { get } from "../api.js";
import { number, t } from "../config.js";
import { againButton, el, fill } from "../dom.js";
import { tick } from "../parts/clock.js";
import { categoriesOf, incidentRow, stateWords } from "../parts/incident.js";
import { caseOf } from "../parts/case.js";
import { select } from "../parts/where.js";

const LIVING = [
  ...[
    "reported",
    "waiting",
    "triaged",
    "dispatched",
    "accepted",
    "arrived",
    "split",
    "handled",
    "verified",
    "fed_back",
  ],
];
const SHOWN = 20;
const REFRESH_MS = 15_000;

export async function show(body) {
  const categories = await categoriesOf();
  const queue = new Queue(new Map(categories));
  fill(body, queue.head, queue.list, queue.foot);
  document.addEventListener("incident-stored", () => queue.refresh());
  document.addEventListener("connection-back", () => queue.refresh());
  setInterval(() => queue.idle() && queue.refresh(), REFRESH_MS);
  setInterval(() => tick(queue.list), 1000);
  untilThere(streets).then(
    (areas) => queue.offer(areas),
    () => null,
  );
  await queue.refresh();
}

// [code, name] of the streets of the reader's area.
async function streets() {
  const { features } = await get("/api/v1/areas?limit=1000");
  const found = features.map(({ properties }) => properties).filter(({ level }) => level === "subdistrict");
  return found.map(({ code, name }) => [code, name || code]);
}

class Queue {
  constructor(names) {
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
      this.filter("area", []),
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

  offer(areas) {
    this.form.elements.area.append(...areas.map(([code, name]) => new Option(name, code)));
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
    for (const [name, value] of new FormData(this.form)) if (value && !asked.has(name)) asked.set(name, String(value));
    return asked;
  }

  async refresh() {
    try {
      const { incidents, next, counts } = await get(`/api/v1/incidents?${this.query()}`);
      fill(this.list, incidents.length ? incidents.map((one) => this.opened(one) ?? this.row(one)) : this.empty());
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

  // A row that is open stays open, and is read anew where the case has gone on: only what is being typed is left alone.
  opened(incident) {
    const row = [...this.list.children].find((one) => one.dataset.incident === incident.id);
    const details = row?.querySelector("details[open]");
    if (!details) return null;
    if (row.dataset.changed !== incident.changed_at && !details.querySelector("form")) {
      this.paint(row, incident, details);
      details.dispatchEvent(new Event("toggle"));
    }
    return row;
  }

  paint(row, incident, details) {
    row.replaceChildren(...incidentRow(incident, this.names, details).childNodes);
    row.dataset.changed = incident.changed_at;
  }

  // A row whose details open; a step taken there changes the row and leaves the others alone.
  row(incident) {
    const details = caseOf(incident.id, (after) => this.paint(shown, after, details));
    const shown = incidentRow(incident, this.names, details);
    shown.dataset.changed = incident.changed_at;
    return shown;
  }
}
