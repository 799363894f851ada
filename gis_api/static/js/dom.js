// Elements from words: texts of data only ever arrive as text nodes, never as markup.
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

export const byTest = (name) => document.querySelector(`[data-test="${name}"]`);

// A row of a bar list: name, bar with an optional tick and an outline of what it was, two figures.
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

// The button beside a problem: asks again, or, where somebody is signed out, goes to the sign-in that this address gives then.
export function againButton(problem, again, attributes = { class: "small" }) {
  const out = problem?.status === 401;
  const onclick = out ? () => location.reload() : again;
  return el("button", { type: "button", ...attributes, onclick }, t(out ? "frame.sign_in" : "frame.try_again"));
}

export function skeleton(lines = 4) {
  return el(
    "div",
    { class: "skeleton", "aria-hidden": "true" },
    Array.from({ length: lines }, () => el("i")),
  );
}
