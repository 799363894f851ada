// The form of a division: which area, how large a grid, what must stay and what counts. What was filled in stays from
// one time to the next.
import { number, t } from "../../config.js";
import { el, fill } from "../../dom.js";
import { areaAround, areasOf, bodyOf, gridsIn, keptOf, LEVELS, stays, WEIGHTS, wrongIn } from "./asked.js";

const USUAL = 300;
const TOLERANCES = [0.1, 0.2, 0.3];

export class DivisionForm {
  // `about` gives {plan, grids} as they are now; `send(body, values)` asks for proposals, `changed` hears of another
  // area.
  constructor({ about, send, changed }) {
    this.about = about;
    this.send = send;
    this.changed = changed;
    /** @type {Record<string, HTMLInputElement>} */
    this.numbers = {};
    this.values = {
      level: "community",
      area: null,
      size: "households",
      households: USUAL,
      count: 4,
      tolerance: 0.2,
      keep: /** @type {string[]} */ ([]),
      start: "fresh",
      weights: "households",
      streetsOnly: false,
      stairwells: false,
      twoLevels: false,
      subHouseholds: 30,
    };
    this.area = el("select", { "data-test": "divide-area", onchange: () => this.pickCode(this.area.value) });
    this.facts = el("p", { class: "quiet", "data-test": "divide-facts" });
    this.wrong = el("p", { class: "message bad", role: "alert", hidden: true });
    this.element = el(
      "form",
      { class: "division", novalidate: true, onsubmit: (event) => this.submit(event) },
      this.whereFields(),
      this.sizeFields(),
      this.startFields(),
      this.keepFields(),
      this.moreFields(),
      this.wrong,
      el("div", { class: "actions" }, el("button", { class: "main", "data-test": "divide-ask" }, t("divide.ask"))),
    );
  }

  whereFields() {
    return [this.radios("level", LEVELS), el("label", {}, el("span", {}, t("divide.area")), this.area), this.facts];
  }

  sizeFields() {
    const field = (name) => this.numberField(name, t(`divide.${name}`));
    const households = field("households");
    const count = field("count");
    const show = () => {
      households.hidden = this.values.size !== "households";
      count.hidden = this.values.size !== "count";
    };
    show();
    const tolerance = this.select(
      "tolerance",
      TOLERANCES.map((share) => [share, `±${share * 100}%`]),
      Number,
    );
    return [
      this.radios("size", ["households", "count"], show),
      el("div", { class: "pair" }, households, count, tolerance),
    ];
  }

  startFields() {
    return [
      this.radios("start", ["fresh", "least"]),
      this.select(
        "weights",
        Object.keys(WEIGHTS).map((name) => [name, t(`divide.weights_${name}`)]),
      ),
    ];
  }

  // Grids that shall stay: chosen one by one from a list, each taken back by a press.
  keepFields() {
    this.keepList = el("select", { "data-test": "divide-keep", onchange: () => this.keep(this.keepList.value, true) });
    this.kept = el("ul", { class: "kept", "data-test": "divide-kept" });
    this.keepers = el("div", {}, el("label", {}, el("span", {}, t("divide.keep")), this.keepList), this.kept);
    return this.keepers;
  }

  keep(code, on) {
    const others = this.values.keep.filter((one) => one !== code);
    this.take("keep", on && code ? [...others, code] : others);
    this.tellKept();
    this.changed(this.going());
    this.keepList.focus();
  }

  tellKept() {
    const grids = this.grids();
    const { level } = this.values;
    this.values.keep = level === "grid" ? [] : keptOf(this.values.keep, grids);
    const { keep } = this.values;
    const free = grids.filter((grid) => !stays(grid) && !keep.includes(grid.code));
    const wordsOf = ({ code, name }) => (name && name !== code ? `${name} ${code}` : code);
    this.keepers.hidden = level === "grid" || grids.length < 2;
    const choose = el("option", { value: "" }, t("divide.keep_choose"));
    fill(
      this.keepList,
      choose,
      free.map((grid) => el("option", { value: grid.code }, wordsOf(grid))),
    );
    const chip = (grid) => {
      const back = () => this.keep(grid.code, false);
      const label = t("divide.keep_not", { grid: wordsOf(grid) });
      const button = { type: "button", class: "small", "data-code": grid.code, "aria-label": label, onclick: back };
      return el("li", {}, el("button", button, `${wordsOf(grid)} ×`));
    };
    fill(this.kept, grids.filter(({ code }) => keep.includes(code)).map(chip));
  }

  // The grids that give way to new ones.
  going() {
    return this.grids().filter(({ code }) => !this.values.keep.includes(code));
  }

  moreFields() {
    const sub = this.numberField("subHouseholds", t("divide.sub_households"));
    sub.hidden = true;
    return [
      this.tick("streetsOnly", "streets_only"),
      this.tick("stairwells", "stairwells"),
      (this.two = this.tick("twoLevels", "two_levels", (on) => (sub.hidden = !on))),
      sub,
    ];
  }

  // Some fields, each of which writes its value and forgets what was wrong.

  take(name, value) {
    this.values[name] = value;
    this.wrong.hidden = true;
  }

  radios(name, options, after = () => {}) {
    const made = options.map((option) => {
      const input = el("input", { type: "radio", name: `divide-${name}`, value: option });
      input.checked = this.values[name] === option;
      input.addEventListener("change", () => {
        this.take(name, option);
        if (name === "level") this.list();
        after();
      });
      return el("label", {}, input, el("span", {}, t(`divide.${name}_${option}`)));
    });
    return el("div", { class: "choice", role: "radiogroup", "aria-label": t(`divide.${name}`) }, made);
  }

  numberField(name, words) {
    const input = el("input", {
      type: "number",
      min: "1",
      step: "1",
      value: this.values[name],
      "data-test": `divide-${name}`,
    });
    input.addEventListener("input", () => this.take(name, input.value === "" ? NaN : Number(input.value)));
    this.numbers[name] = input;
    return el("label", {}, el("span", {}, words), input);
  }

  select(name, options, read = (value) => value) {
    const list = el(
      "select",
      { "data-test": `divide-${name}` },
      options.map(([value, words]) => el("option", { value, selected: this.values[name] === value }, words)),
    );
    list.addEventListener("change", () => this.take(name, read(list.value)));
    return el("label", {}, el("span", {}, t(`divide.${name}`)), list);
  }

  tick(name, key, /** @type {(on: boolean) => void} */ after = () => {}) {
    const input = el("input", { type: "checkbox", "data-test": `divide-${name}` });
    input.addEventListener("change", () => {
      this.take(name, input.checked);
      after(input.checked);
    });
    return el("label", { class: "tick" }, input, el("span", {}, t(`divide.${key}`)));
  }

  // The areas of the chosen level; whichever is chosen stays where it is still there.
  list() {
    const { level } = this.values;
    const areas = areasOf(level, this.about());
    fill(
      this.area,
      el("option", { value: "" }, t(areas.length ? "divide.choose_area" : "divide.no_such_level")),
      areas.map(([code, name]) => el("option", { value: code }, [name, code].filter(Boolean).join(" "))),
    );
    this.two.hidden = level === "grid";
    const only = areas.length === 1 ? areas[0][0] : null;
    this.pickCode(areas.some(([code]) => code === this.values.area) ? this.values.area : only);
  }

  pickCode(code) {
    this.take("area", code || null);
    this.area.value = this.values.area ?? "";
    this.tell();
    this.tellKept();
    this.changed(this.going());
  }

  // The area that a grid on the map lies in.
  pickAround(grid) {
    this.pickCode(areaAround(grid, this.values.level, this.about()));
  }

  grids() {
    return gridsIn(this.values.area, this.values.level, this.about());
  }

  // What is there now, and what stays whatever is asked for.
  tell() {
    const grids = this.grids();
    const stay = grids.filter(stays).length;
    const parts = grids.filter((grid) => !stays(grid)).reduce((sum, grid) => sum + grid.parts, 0);
    const households = grids.reduce((sum, grid) => sum + (grid.households ?? 0), 0);
    const words = [t("divide.facts", { grids: number(grids.length), households: number(households) })];
    if (stay) words.push(t("divide.stay", { n: number(stay) }));
    if (parts) words.push(t("divide.parts_go", { n: number(parts) }));
    this.facts.textContent = grids.length ? words.join(" · ") : t("divide.choose_hint");
    const target = grids.find((grid) => grid.target)?.target;
    if (target && !this.targeted) {
      this.targeted = true;
      this.values.households = target;
      this.numbers.households.value = target;
    }
  }

  submit(event) {
    event?.preventDefault();
    const wrong = wrongIn(this.values);
    this.wrong.hidden = !wrong;
    if (wrong) this.wrong.textContent = t(`divide.wrong_${wrong}`);
    else this.send(bodyOf(this.values), { ...this.values });
  }
}
