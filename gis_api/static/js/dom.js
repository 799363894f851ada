// Elements from words: texts of data only ever arrive as text nodes, never as markup.
import { mayComeBack, whenBack } from "./again.js";
import { t } from "./config.js";

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return parent;
}

/**
 * The element of the page with this id, whatever kind it is: the template says which.
 * @type {(id: string) => any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * The thing itself, where it must be there: a template without it, or a canvas without a pen, is a fault of ours.
 * @template T
 * @param {T | null | undefined} thing
 * @returns {T}
 */
export function present(thing) {
  if (thing == null) throw new Error("what must be there is missing");
  return thing;
}

/** @type {(selector: string) => any} */
export const byQuery = (selector) => document.querySelector(selector);

/** @type {(name: string) => any} */
export const byTest = (name) => byQuery(`[data-test="${name}"]`);

// A row of a bar list: name, bar with an optional tick and an outline of what it was, two figures.
/**
 * @typedef {object} Bar
 * @property {number} share how much of the row the bar takes, 0 to 1
 * @property {string} colour
 * @property {string} figure
 * @property {number | null} [was] the share before, as an outline
 * @property {number | null} [tick] where the target stands, 0 to 1
 * @property {string} [note]
 * @property {boolean} [touched]
 * @property {Record<string, any>} [extra] attributes of the row
 */

/** @type {(name: string, bar: Bar) => HTMLElement} */
export function barRow(name, { share, was, tick, colour, figure, note, touched, extra = {} }) {
  const bar = svg("svg", { viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(
    svg("rect", { x: 0, y: 4, width: Math.max(1, Math.min(100, share * 100)), height: 8, rx: 2, fill: colour }),
  );
  if (was != null) {
    const width = Math.max(1, Math.min(100, was * 100));
    bar.append(
      svg("rect", {
        x: 0,
        y: 2,
        width,
        height: 12,
        rx: 2,
        fill: "none",
        stroke: "var(--quiet)",
        "stroke-width": 1,
        "vector-effect": "non-scaling-stroke",
      }),
    );
  }
  if (tick != null) {
    const at = Math.min(99.5, tick * 100);
    bar.append(
      svg("line", {
        x1: at,
        x2: at,
        y1: 0,
        y2: 16,
        stroke: "var(--ink)",
        "stroke-width": 1.6,
        "vector-effect": "non-scaling-stroke",
      }),
    );
  }
  return el(
    "li",
    { class: touched ? "touched" : "", ...extra },
    el("span", { title: name }, name),
    el("span", { class: "gauge" }, bar),
    el("span", { class: "number" }, figure),
    el("span", { class: "number quiet" }, note ?? ""),
  );
}

// A table whose rows become cards where a screen is too narrow for its columns (css/frame.css): each cell then says the
// name of its column itself. To be called again when rows were added.
export function stacking(table) {
  const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
  for (const row of table.querySelectorAll("tbody tr, tfoot tr"))
    [...row.cells].forEach((cell, i) => heads[i] && (cell.dataset.head = heads[i]));
  table.classList.add("stacks");
  return table;
}

// The button beside a problem: asks again, or, where somebody is signed out, goes to the sign-in that this address
// gives then. What was not to be had for want of a line or of the database is asked for by itself when they are back.
/** @type {(problem: any, again: () => void, attributes?: Record<string, any>) => HTMLElement} */
export function againButton(problem, again, attributes = { class: "small" }) {
  const out = problem?.status === 401;
  const onclick = out ? () => location.reload() : again;
  const words = t(out ? "frame.sign_in" : "frame.try_again");
  const button = el("button", { type: "button", ...attributes, onclick }, words);
  if (mayComeBack(problem)) whenBack(again, () => button.isConnected);
  return button;
}

// What stands in place of something that could not be had: why, and a button that asks again.
/** @type {(problem: any, again: () => void) => HTMLElement} */
export function failureBox(problem, again) {
  return el("div", { class: "message bad" }, el("div", {}, problem.message), againButton(problem, again));
}

// Why something that was sent is refused, with what is said of each field, once.
/** @type {(problem: any) => HTMLElement} */
export function refusalBox(problem) {
  const words = [problem.message, ...(problem.errors ?? []).map((error) => error.msg)];
  return el("p", { class: "message bad", role: "alert" }, [...new Set(words)].join(" "));
}

// Open a page whose template has a place for a failure; asked again, it begins anew.
/** @type {(open: () => Promise<void>) => Promise<void>} */
export async function beginPage(open) {
  byId("failed").hidden = true;
  try {
    await open();
    byId("main").dataset.test = "ready";
  } catch (problem) {
    const again = againButton(problem, () => beginPage(open));
    byQuery(".veil")?.remove();
    byId("failed").hidden = false;
    fill(byId("failed"), el("h2", {}, t("frame.failed")), el("p", {}, problem.message), again);
    byId("main").dataset.test = "failed";
  }
}

export function skeleton(lines = 4) {
  return el(
    "div",
    { class: "skeleton", "aria-hidden": "true" },
    Array.from({ length: lines }, () => el("i")),
  );
}
