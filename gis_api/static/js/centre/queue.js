// The queue of a centre: the most urgent first, clocks counting, one chosen; the keys go through it.
import { get } from "../api.js";
import { number, t } from "../config.js";
import { byId, el, fill } from "../dom.js";
import { shortCode } from "../model/names.js";
import { clockOf } from "../parts/clock.js";
import { stateWords, stepBar, whoHas } from "../parts/incident.js";

const URGENCY = ["critical", "high", "normal", "low"];
const WHICH = ["living", "overdue", "waiting"];
const MOST = 200;

export class CentreQueue {
  constructor(names, choose) {
    this.names = names;
    this.choose = choose;
    this.which = "living";
    this.cases = [];
    this.counts = {};
    this.id = null;
    this.rows = new Map();
    this.list = byId("queue");
    this.filter = byId("category");
    fill(
      this.filter,
      el("option", { value: "" }, t("incidents.all_category")),
      [...names].map(([code, name]) => el("option", { value: code }, name)),
    );
    this.filter.addEventListener("change", () => this.refresh());
  }

  query() {
    const asked = new URLSearchParams({ order: "deadline", count: "true", living: "true", limit: String(MOST) });
    if (this.which === "overdue") asked.set("overdue", "true");
    if (this.which === "waiting") asked.set("state", "waiting");
    if (this.filter.value) asked.set("category", this.filter.value);
    return asked;
  }

  async refresh() {
    const { incidents, counts } = await get(`/api/v1/incidents?${this.query()}`);
    this.cases = incidents.sort((a, b) => rank(a) - rank(b));
    this.counts = counts;
    this.paint();
  }

  paint() {
    fill(
      byId("chips"),
      WHICH.map((name) => this.chip(name)),
    );
    const top = this.list.scrollTop;
    const rows = this.cases.map((one) => this.rowOf(one));
    const none = el("li", { class: "empty" }, t(this.which === "living" ? "incidents.none" : "incidents.none_such"));
    arrange(this.list, rows.length ? rows : [none]);
    this.list.scrollTop = top;
  }

  // Rows of cases that are as they were stay: two hundred new ones are a tenth of a second that the map stands still.
  rowOf(one) {
    const told = JSON.stringify([one, one.id === this.id]);
    const known = this.rows.get(one.id);
    const row = known?.told === told ? known.row : this.row(one);
    this.rows.set(one.id, { told, row });
    return row;
  }

  chip(name) {
    const show = () => {
      this.which = name;
      this.refresh();
    };
    const about = { type: "button", "aria-pressed": String(this.which === name), "data-chip": name, onclick: show };
    return el("button", about, `${t(`incidents.only_${name}`)} ${number(this.counts[name] ?? 0)}`);
  }

  row(one) {
    const chosen = one.id === this.id;
    const mood = one.urgency === "critical" ? "urgent" : one.overdue ? "late" : "";
    const who = whoHas(one) ?? "";
    const what = [this.names.get(one.category) ?? one.category, one.description].filter(Boolean).join(" · ");
    return el(
      "li",
      {
        class: `${mood} ${chosen ? "chosen" : ""}`,
        role: "option",
        id: `case-${one.id}`,
        "aria-selected": String(chosen),
        "data-incident": one.id,
        onclick: () => this.take(one.id),
      },
      el("header", {}, el("b", { title: what }, what), clockOf(one)),
      el(
        "p",
        { class: "quiet" },
        [shortCode(one.current_code ?? one.area ?? ""), stateWords(one.state), who].filter(Boolean).join(" · "),
      ),
      stepBar(one.state),
    );
  }

  take(id) {
    this.id = id;
    this.rows.clear();
    for (const row of this.list.children) {
      const chosen = row.dataset.incident === id;
      row.classList.toggle("chosen", chosen);
      row.setAttribute("aria-selected", String(chosen));
      if (chosen) row.scrollIntoView({ block: "nearest" });
    }
    this.list.setAttribute("aria-activedescendant", `case-${id}`);
    this.choose(id);
  }

  // One further down or up; from nothing, the first.
  move(by) {
    const at = this.cases.findIndex(({ id }) => id === this.id);
    const next = this.cases[Math.min(Math.max(at + by, 0), this.cases.length - 1)];
    if (next) this.take(next.id);
  }
}

// Put the rows into the list in this order, touching only those that are not where they belong.
function arrange(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
}

// Critical ones first; within the same urgency the order of the deadlines stays.
const rank = ({ urgency }) => URGENCY.indexOf(urgency);
