// The selected grid in the panel: what it is, a form to name it otherwise or make it something else, and its removal
// into a neighbour. Texts of data are only ever values and text nodes.
import { measure, number, t } from "../config.js";
import { byTest, el, fill } from "../dom.js";
import { shortCode } from "../model/names.js";
import { shapeName } from "./words.js";

const MOST_NEIGHBOURS = 12;

export class GridCard {
  /** @type {Record<string, any>} the form's fields by their names */
  fields = {};

  constructor(editor) {
    this.editor = editor;
    this.tiling = editor.tiling;
    this.box = byTest("planner-grid");
    this.shown = null;
  }

  // Called whenever the selection, the plan or the right to edit changes; what is being typed stays.
  show() {
    const { selected } = this.editor;
    const key = this.keyOf(selected);
    if (key === this.shown) return;
    this.shown = key;
    /** @type {any} */
    const active = document.activeElement;
    const focus = active?.closest?.('[data-test="planner-grid"]') ? active.dataset.test : null;
    this.box.hidden = !selected.length;
    const shape = this.tiling.shapes.get(selected[0]);
    if (selected.length > 1) this.showSeveral(selected);
    else if (shape) this.showOne(shape);
    if (focus) byTest(focus)?.focus();
  }

  keyOf(selected) {
    const { editing } = this.editor;
    return JSON.stringify([
      editing,
      selected.map((code) => this.tiling.shapes.get(code)?.properties),
      selected.length === 1 ? this.neighbours(selected[0]) : null,
    ]);
  }

  showSeveral(codes) {
    const shapes = codes.map((code) => this.tiling.shapes.get(code)).filter(Boolean);
    const total = shapes.reduce((sum, { properties }) => sum + (properties.households ?? 0), 0);
    fill(
      this.box,
      el("h2", {}, t("planner.n_selected", { n: number(shapes.length) })),
      el(
        "p",
        { class: "quiet" },
        [
          shapes.map(({ code }) => shortCode(code)).join(t("planner.and")),
          t("planner.households_n", { n: number(total) }),
        ].join(" · "),
      ),
    );
  }

  showOne(shape) {
    const { households, buildings, area_m2: area, target } = shape.properties;
    const facts = [
      target
        ? t("planner.households_of_target", { n: number(households), target: number(target) })
        : t("planner.households_n", { n: number(households) }),
      t("planner.n_buildings", { n: number(buildings) }),
      `${measure(area)} m²`,
    ];
    fill(
      this.box,
      el("h2", {}, shapeName(shape)),
      el("p", { class: "quiet" }, facts.join(" · ")),
      this.editor.editing
        ? el(
            "details",
            {},
            el("summary", { "data-test": "grid-edit" }, t("planner.grid_edit")),
            this.form(shape),
            this.removal(shape),
          )
        : null,
    );
    const details = this.box.querySelector("details");
    if (!details) return;
    details.open = this.open ?? false;
    details.addEventListener("toggle", () => (this.open = details.open));
  }

  form(shape) {
    const { properties, level } = shape;
    const part = level === "sub_grid";
    const over = level === "overlay";
    this.fields = {
      name: input("grid-name", { value: properties.name, maxlength: 200, required: true }),
      code: input("grid-code", {
        value: shape.code,
        maxlength: 60,
        required: true,
        autocomplete: "off",
        spellcheck: "false",
      }),
      kind: choice(
        "grid-kind",
        [
          ["base", t("planner.kind_base")],
          ["dedicated", t("planner.kind_dedicated")],
        ],
        { value: properties.kind, disabled: part },
      ),
      group: input("grid-group", { value: properties.group ?? "", maxlength: 200 }),
      over: tick("grid-overlay", over, { disabled: part }),
      parts: tick("grid-parts", properties.parts_allowed),
      locked: tick("grid-locked", properties.locked),
      into: this.neighbourChoice("grid-into", shape.code),
    };
    const into = el("label", { hidden: true }, el("span", {}, t("planner.ground_into")), this.fields.into);
    this.fields.over.addEventListener("change", () => {
      const { checked } = this.fields.over;
      if (checked) this.fields.kind.value = "dedicated";
      into.hidden = !checked || over;
    });
    const form = el(
      "form",
      { "data-test": "grid-form", class: "grid-form" },
      labelled("planner.grid_name_field", this.fields.name),
      labelled("planner.grid_code", this.fields.code),
      labelled("planner.kind", this.fields.kind),
      labelled("planner.group", this.fields.group),
      ticked("planner.is_overlay", this.fields.over),
      into,
      ticked("planner.parts_allowed", this.fields.parts),
      ticked("planner.locked", this.fields.locked),
      el(
        "div",
        { class: "actions" },
        el("button", { class: "small main", "data-test": "grid-save" }, t("planner.grid_save")),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save(shape);
    });
    return form;
  }

  removal(shape) {
    const over = shape.level === "overlay";
    this.heir = over ? null : this.neighbourChoice("grid-remove-into", shape.code);
    const button = el(
      "button",
      { type: "button", class: "small", "data-test": "grid-remove", onclick: () => this.remove(shape) },
      t(over ? "planner.remove_overlay" : "planner.remove_into"),
    );
    if (this.heir && !this.heir.options.length) return null;
    return el("div", { class: "actions removal" }, button, this.heir);
  }

  async save(shape) {
    const { editor, fields } = this;
    const { properties } = shape;
    /** @type {any} */
    const sent = { op: "set", code: shape.code, ...this.changes(properties) };
    let code = shape.code;
    if (Object.keys(sent).length > 2) {
      const answer = await editor.apply(sent);
      if (!answer) return;
      code = sent.new_code ?? code;
    }
    const over = shape.level === "overlay";
    if (fields.over.checked !== over) {
      const way = over ? { exclusive: true } : { exclusive: false, kind: "dedicated", into: fields.into.value };
      if (!over) editor.layers.tick("overlays");
      await editor.apply({ op: "set", code, ...way });
    }
    if (this.tiling.shapes.has(code)) editor.choose(code);
  }

  changes(properties) {
    const { name, code, kind, group, over, parts, locked } = this.fields;
    const was = properties.exclusive === false;
    const all = {
      name: [name.value.trim(), properties.name],
      new_code: [code.value.trim(), properties.code],
      // Base grids become dedicated on their way to an overlay; that is said with it.
      kind: over.checked !== was ? [null, null] : [kind.value, properties.kind],
      group: [group.value.trim() || null, properties.group ?? null],
      parts_allowed: [parts.checked, properties.parts_allowed],
      locked: [locked.checked, properties.locked],
    };
    return Object.fromEntries(
      Object.entries(all)
        .filter(([, [now, then]]) => now !== then)
        .map(([key, [now]]) => [key, now]),
    );
  }

  // Delete on the map opens the place where the neighbour is chosen.
  askRemoval() {
    const details = this.box.querySelector("details");
    if (!details) return;
    details.open = true;
    (this.heir ?? byTest("grid-remove"))?.focus();
    this.box.scrollIntoView({ block: "start" });
  }

  async remove(shape) {
    const op = { op: "remove", code: shape.code };
    if (this.heir) op.into = this.heir.value;
    const answer = await this.editor.apply(op);
    if (answer && op.into) this.editor.choose(op.into);
  }

  neighbourChoice(name, code) {
    const select = choice(
      name,
      this.neighbours(code).map((other) => [other, shapeName(this.tiling.shapes.get(other))]),
    );
    select.addEventListener("change", () => this.editor.point(select.value));
    select.addEventListener("focus", () => this.editor.point(select.value));
    select.addEventListener("blur", () => this.editor.point(null));
    return select;
  }

  // The grids of the same level and parent along the border, longest shared border first.
  neighbours(code) {
    const own = this.tiling.shapes.get(code);
    const shared = new Map();
    for (const arc of this.tiling.arcs) {
      if (!arc.owners.includes(code)) continue;
      for (const other of arc.owners) {
        const shape = this.tiling.shapes.get(other);
        if (other !== code && shape?.level === own.level && shape.parent === own.parent)
          shared.set(other, (shared.get(other) ?? 0) + arc.points.length - 1);
      }
    }
    return [...shared]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_NEIGHBOURS)
      .map(([other]) => other);
  }
}

function input(name, attributes) {
  const { value, ...rest } = attributes;
  const made = el("input", { "data-test": name, ...rest });
  made.value = value;
  return made;
}

/** @type {(name: string, options: any[], state?: {value?: string, disabled?: boolean}) => any} */
function choice(name, options, { value, disabled } = {}) {
  const made = el(
    "select",
    { "data-test": name, disabled },
    options.map(([key, words]) => el("option", { value: key }, words)),
  );
  if (value !== undefined) made.value = value;
  return made;
}

/** @type {(name: string, checked: boolean, state?: {disabled?: boolean}) => any} */
function tick(name, checked, { disabled } = {}) {
  const made = el("input", { type: "checkbox", "data-test": name, disabled });
  made.checked = checked;
  return made;
}

const labelled = (key, field) => el("label", {}, el("span", {}, t(key)), field);
const ticked = (key, field) => el("label", { class: "tick" }, field, el("span", {}, t(key)));
