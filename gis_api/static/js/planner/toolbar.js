// The toolbar: each tool with a key, a name and a one-line hint while it is active.
import { t } from "../config.js";
import { el, fill, svg } from "../dom.js";
import { isTyped } from "./keys.js";

const HISTORY = {
  undo: { keys: "Ctrl+Z", picture: "M7 5L3 9l4 4M3 9h9a5 5 0 0 1 0 10" },
  redo: { keys: "Ctrl+Y", picture: "M13 5l4 4-4 4M17 9H8a5 5 0 0 0 0 10" },
};

export class Toolbar {
  // `between(name)` says by true that a key was for what is in the hand.
  constructor(element, tools, { choose, between, ...history }) {
    this.act = choose;
    this.between = between;
    this.buttons = new Map();
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.byKey = new Map(tools.map((tool) => [tool.key, tool.name]));
    const ways = tools.map(({ name, key, picture }) =>
      this.button(name, { keys: key.toUpperCase(), picture, act: () => this.choose(name) }),
    );
    const steps = Object.keys(HISTORY).map((name) => this.button(name, { ...HISTORY[name], act: history[name] }));
    this.buttons.get("undo").dataset.test = "planner-undo";
    this.buttons.get("redo").dataset.test = "planner-redo";
    fill(
      element,
      el("div", { class: "tools", role: "radiogroup", "aria-label": t("planner.tools") }, ways),
      el("div", { class: "tools" }, steps),
    );
    document.addEventListener("keydown", (event) => this.key(event));
  }

  button(name, { keys, picture, act }) {
    const drawing = svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: picture }));
    const label = `${t(`planner.tool_${name}`)} (${keys})`;
    const made = el(
      "button",
      { type: "button", class: "tool", "aria-label": label, "data-name": label, "data-tool": name, onclick: act },
      drawing,
    );
    this.buttons.set(name, made);
    return made;
  }

  choose(name) {
    this.chosen = name;
    for (const [tool, button] of this.buttons) {
      if (!this.tools.has(tool)) continue;
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(tool === name));
    }
    this.act(name);
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
    if (isTyped(event)) return;
    const combined = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (combined && letter === "z") this.press(event.shiftKey ? "redo" : "undo", event);
    else if (combined && letter === "y") this.press("redo", event);
    else if (!combined && !event.altKey && this.byKey.has(letter)) this.press(this.byKey.get(letter), event);
  }

  // What is in the hand may take the key, whether the button could be pressed or not.
  press(name, event) {
    const button = this.buttons.get(name);
    event.preventDefault();
    if (!this.between(name) && !button.disabled) button.click();
  }
}
