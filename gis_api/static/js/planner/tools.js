// The tool rail: each tool with a key, a name and a one-line hint while it is active.
import { t } from "../config.js";
import { el, fill, svg } from "../dom.js";

// Paths on a 20 × 20 field, drawn as lines.
const PICTURES = {
  select: "M5 3l10 6.5-4.6.9 2.6 5-2 1-2.5-5L5 15z",
  vertices: "M10 2l7.5 8-7.5 8L2.500 10zM8.500 0.500h3v3h-3zM8.500 16.500h3v3h-3zM0.500 8.500h3v3h-3zM16.500 8.500h3v3h-3z",
  redraw: "M3 17c2-8 4-1 6-6s2-8 8-8M14 12l4 4-2 2-4-4z",
  split: "M6 3l8 14M14 3L6 17M4.500 15a2.500 2.500 0 1 0 .1 0M15.500 15a2.500 2.500 0 1 0 .1 0",
  merge: "M3 3h14v14H3zM10 3v4M10 13v4M6 10h8M8 8l-2 2 2 2M12 8l2 2-2 2",
  carve: "M4 4h12v9l-5 4H4zM10 7v6M7 10h6",
  give: "M3 5h6v10H3zM11 5h6v10h-6zM6 10h8M12 8l2 2-2 2",
  fill: "M3 3h14v14H3zM8 8h4v4H8zM3 3l5 5M17 3l-5 5M3 17l5-5M17 17l-5-5",
  undo: "M7 5L3 9l4 4M3 9h9a5 5 0 0 1 0 10",
  redo: "M13 5l4 4-4 4M17 9H8a5 5 0 0 0 0 10",
};

export const KEYS = { v: "select", e: "vertices", b: "redraw", x: "split", m: "merge", n: "carve", g: "give", f: "fill" };
const KEY_OF = Object.fromEntries(Object.entries(KEYS).map(([key, tool]) => [tool, key.toUpperCase()]));

export class Rail {
  constructor(element, { choose, undo, redo }) {
    this.act = { choose, undo, redo };
    this.buttons = new Map();
    const tools = Object.keys(KEY_OF).map((name) => this.button(name, KEY_OF[name], () => this.choose(name)));
    const history = [this.button("undo", "Ctrl+Z", undo), this.button("redo", "Ctrl+Y", redo)];
    this.buttons.get("undo").dataset.test = "planner-undo";
    this.buttons.get("redo").dataset.test = "planner-redo";
    fill(element, el("div", { class: "tools", role: "radiogroup", "aria-label": t("planner.tools") }, tools), el("div", { class: "tools" }, history));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  button(name, key, act) {
    const picture = svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: PICTURES[name] }));
    const label = `${t(`planner.tool_${name}`)} (${key})`;
    const made = el("button", { type: "button", class: "tool", "aria-label": label, "data-name": label, "data-tool": name, onclick: act }, picture);
    this.buttons.set(name, made);
    return made;
  }

  choose(name) {
    this.chosen = name;
    for (const [tool, button] of this.buttons) {
      if (tool in KEY_OF) {
        button.setAttribute("role", "radio");
        button.setAttribute("aria-checked", String(tool === name));
      }
    }
    this.act.choose(name);
  }

  // What the plan's history allows, whoever made the last edit.
  history(undo, redo) {
    this.buttons.get("undo").disabled = !undo;
    this.buttons.get("redo").disabled = !redo;
  }

  // Without the right to edit, only looking is left.
  allow(editing) {
    for (const [name, button] of this.buttons) button.disabled = !editing && name !== "select";
  }

  key(event) {
    if (event.target.closest("input, textarea, select, dialog")) return;
    const combined = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (combined && letter === "z") this.press(event.shiftKey ? "redo" : "undo", event);
    else if (combined && letter === "y") this.press("redo", event);
    else if (!combined && !event.altKey && KEYS[letter]) this.press(KEYS[letter], event);
  }

  press(name, event) {
    const button = this.buttons.get(name);
    event.preventDefault();
    if (!button.disabled) button.click();
  }
}
