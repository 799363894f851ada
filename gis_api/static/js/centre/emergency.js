// Emergency mode of an area: what counts now, on and off, who came, and the buildings of a grid in order of calling.
import { call, get } from "../api.js";
import { config, number, t, when } from "../config.js";
import { byId, el, fill, present } from "../dom.js";
import { ask } from "../parts/dialogs.js";
import { field } from "../parts/where.js";

const HOURS = [2, 6, 12, 24, 72];
const OUTCOMES = ["answered", "nobody", "needs_help"];
const DESKS = ["dispatcher", "admin"];
const MOST_HELPERS = 200;
const addressOf = (area) => `/api/v1/emergencies/${encodeURIComponent(area)}`;

// The bar's switch and the list of what counts now; `changed` is called when something else counts.
export class EmergencyDesk {
  /** @param {{changed: () => unknown, around: () => string}} told */
  constructor({ changed, around }) {
    this.changed = changed;
    this.around = around;
    this.box = byId("emergencies");
    this.switches = DESKS.includes(config.person.role);
    byId("emergency").hidden = !this.switches;
    byId("emergency").addEventListener("click", () => this.ask());
  }

  async refresh() {
    const { emergencies } = await get("/api/v1/emergencies");
    fill(
      this.box,
      emergencies.map((one) => this.row(one)),
    );
    this.box.hidden = !emergencies.length;
  }

  row(one) {
    const helpers = one.helpers.map(({ name, worker }) => name || worker).join("、");
    const act = (words, test, onclick) =>
      el("button", { type: "button", class: "small", "data-test": test, onclick }, words);
    return el(
      "li",
      { class: "emergency", "data-emergency": one.area },
      el("b", {}, t("emergency.on", { area: one.area, reason: one.reason })),
      el(
        "span",
        {},
        [t("emergency.until", { at: when(one.until) }), helpers ? t("emergency.helpers", { names: helpers }) : null]
          .filter(Boolean)
          .join(" · "),
      ),
      el(
        "span",
        { class: "actions" },
        act(t("emergency.calls"), "emergency-calls", () => this.calls(one.area)),
        this.switches ? act(t("emergency.end"), "emergency-end", () => this.end(one)) : null,
      ),
    );
  }

  async ask() {
    this.say("");
    const send = async ({ area, ...body }) => {
      const { data } = await call("PUT", addressOf(area), { body });
      this.say(data.missing ? t("emergency.missing", { n: number(data.missing) }) : "");
    };
    const body = fields(this.around());
    if (!(await ask({ title: t("emergency.title"), body, answer: sentOf, send, test: "emergency-dialog" }))) return;
    await this.refresh();
    this.changed();
  }

  async end(one) {
    const body = el("p", {}, t("emergency.end_text", { area: one.area }));
    if (!(await ask({ title: t("emergency.end"), body, test: "emergency-end-dialog" }))) return;
    await this.act(() => call("DELETE", addressOf(one.area)));
  }

  async act(work) {
    this.say("");
    try {
      await work();
    } catch (problem) {
      this.say([problem.message, ...(problem.errors ?? []).map(({ msg }) => msg)].join(" "));
    }
    await this.refresh();
    this.changed();
  }

  say(words) {
    const said = byId("emergency-said");
    said.textContent = words;
    said.hidden = !words;
  }

  // The call-out of a grid in a dialog: the first building that nobody has been at is where the keyboard is.
  async calls(area) {
    const grid = this.around().startsWith(area) && this.around().length > 12 ? this.around().slice(0, 15) : "";
    const list = el("div", { "data-test": "calls" });
    const input = el("input", {
      name: "grid",
      value: grid,
      maxlength: "40",
      autocomplete: "off",
      "data-test": "calls-grid",
    });
    const load = () => show(list, area, input.value.trim());
    input.addEventListener("change", load);
    // Enter looks for the grid; the dialog stays.
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      load();
    });
    if (grid) load();
    await ask({ title: t("emergency.calls"), body: [field(t("emergency.grid"), input), list], test: "calls-dialog" });
  }
}

function fields(area) {
  const hours = el(
    "select",
    { name: "hours" },
    HOURS.map((n) => el("option", { value: String(n), selected: n === 6 }, t("emergency.hours", { n: number(n) }))),
  );
  const input = (name, more) => el("input", { name, autocomplete: "off", ...more });
  const patrols = el("input", { type: "checkbox", name: "patrols", checked: true });
  return el(
    "div",
    { class: "fields" },
    field(t("emergency.area"), input("area", { required: true, maxlength: "40", value: area || config.person.area })),
    field(t("emergency.reason"), input("reason", { required: true, maxlength: "500" })),
    field(t("emergency.lasts"), hours),
    field(
      t("emergency.reinforce"),
      input("reinforce", { type: "number", min: "0", max: String(MOST_HELPERS), value: "0" }),
    ),
    el("label", { class: "tick" }, patrols, el("span", {}, t("emergency.patrols"))),
    el("p", { class: "quiet" }, t("emergency.what")),
  );
}

function sentOf(form) {
  const told = new FormData(form);
  const until = new Date(Date.now() + Number(told.get("hours")) * 3_600_000).toISOString();
  return {
    area: String(told.get("area")).trim(),
    reason: told.get("reason"),
    until,
    reinforce: Number(told.get("reinforce")),
    rule: { policy: "nearest", patrol_teams: told.has("patrols") },
  };
}

async function show(list, area, grid) {
  try {
    const told = await get(`${addressOf(area)}/calls?grid=${encodeURIComponent(grid)}`);
    const share = told.of ? told.called / told.of : 0;
    fill(
      list,
      el("p", { role: "status", "data-test": "calls-told" }, toldOf(told)),
      el("progress", { max: "1", value: String(share), "aria-label": t("emergency.calls") }),
      el(
        "ol",
        { class: "rows calls" },
        told.buildings.map((one) => building(one, { list, area, grid })),
      ),
    );
    const next = list.querySelector("li:not(.done) button");
    if (next) present(next).focus();
  } catch (problem) {
    fill(list, el("p", { class: "message bad", role: "alert" }, problem.message));
  }
}

const toldOf = ({ called, of, households_reached: reached, households }) =>
  t("emergency.told", {
    called: number(called),
    of: number(of),
    reached: number(reached),
    households: number(households),
  });

function building(one, { list, area, grid }) {
  const said = el("span", { class: "message bad", role: "alert", hidden: true });
  const tell = async (outcome) => {
    said.hidden = true;
    try {
      await send(outcome);
    } catch (problem) {
      said.textContent = problem.message;
      said.hidden = false;
    }
  };
  const send = async (outcome) => {
    await call("PUT", `${addressOf(area)}/calls/${encodeURIComponent(one.id)}`, { body: { outcome } });
    await show(list, area, grid);
  };
  const about = t("emergency.building", { households: number(one.households), hazards: number(one.hazards) });
  return el(
    "li",
    { class: one.outcome ? "done" : "", "data-building": one.id },
    el("b", {}, `${one.place}. ${one.name || one.address || one.id}`),
    el("span", { class: "quiet" }, ` ${about}${one.outcome ? ` · ${t(`emergency.${one.outcome}`)}` : ""}`),
    el(
      "div",
      { class: "actions" },
      OUTCOMES.map((outcome) =>
        el(
          "button",
          {
            type: "button",
            class: "small",
            "aria-pressed": String(one.outcome === outcome),
            "data-outcome": outcome,
            onclick: () => tell(outcome),
          },
          t(`emergency.${outcome}`),
        ),
      ),
    ),
    said,
  );
}
