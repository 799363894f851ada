// Figures and remarks of a division as a planner reads them.
import { measure, number, t } from "../../config.js";
import { el } from "../../dom.js";

const SHARES = new Set(["in_tolerance", "along_lines"]);
const ROUND = new Set(["cv", "work_cv", "compactness"]);
// Of one kind so many are listed; the others are counted.
const MOST_LISTED = 4;

// `about` is {households, estimated}: a share of households is told with their number, an estimate with its sign.
export function figureInWords(name, value, about) {
  if (value == null) return "—";
  const sign = about.estimated ? "≈" : "";
  if (name === "range") return sign + value.map((one) => number(Math.round(one))).join("–");
  if (name === "moved") {
    return `${sign}${number(Math.round(value * about.households))} (${percent(value)})`;
  }
  if (name === "median_m") return `${measure(value)} m`;
  if (SHARES.has(name)) return percent(value);
  return ROUND.has(name) ? value.toFixed(2) : number(value);
}

const percent = (share) => `${Number((share * 100).toFixed(1))}%`;

// Rows of remarks by kind with the ways out of each: a button where the page knows the way, else words. `act` has
// {look(place), way(name)}; ways that it does not know are told only.
export function remarkRows(remarks, { look, ways }) {
  const kinds = grouped(remarks);
  return [...kinds.values()].map((some) => {
    const more = some.length - MOST_LISTED;
    return el(
      "li",
      { class: "remark", "data-remark": some[0].code },
      some.slice(0, MOST_LISTED).map((remark) => place(remark, look)),
      more > 0 ? el("p", { class: "quiet" }, t("divide.more_places", { n: number(more) })) : null,
      el("p", { class: "actions" }, waysOf(some[0], ways)),
    );
  });
}

function grouped(remarks) {
  const found = new Map();
  for (const remark of remarks) found.set(remark.code, [...(found.get(remark.code) ?? []), remark]);
  return found;
}

function place(remark, look) {
  const words = el("span", {}, remark.words);
  if (!remark.where || !look) return el("p", {}, words);
  const button = el(
    "button",
    {
      type: "button",
      class: "small",
      "aria-label": `${t("planner.locate")}: ${remark.words}`,
      onclick: () => look(remark),
    },
    t("planner.locate"),
  );
  return el("p", { class: "place" }, words, button);
}

function waysOf(remark, known) {
  return remark.ways.map((way) => {
    const words = remark.ways_told?.[way] ?? way;
    return known[way]
      ? el("button", { type: "button", class: "small", "data-way": way, onclick: () => known[way](remark) }, words)
      : el("span", { class: "quiet" }, words);
  });
}
