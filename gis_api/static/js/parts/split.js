// A case in the hands of several: the form that splits it, and its parts with their owners and clocks.
import { t } from "../config.js";
import { el } from "../dom.js";
import { clockOf } from "./clock.js";
import { stateWords, unitNames } from "./incident.js";
import { field, select } from "./where.js";

// More than three at once are split by the interface of the service, which takes nine.
const ROWS = 3;
const FIELDS = ["unit", "to", "note"];

/** @type {(units: [string, string][]) => HTMLElement[]} */
export function partFields(units) {
  const text = (name, words, full = false) =>
    field(words, el("input", { name, maxlength: "200", autocomplete: "off" }), full);
  return Array.from({ length: ROWS }, (_, at) =>
    el(
      "fieldset",
      { class: "fields full part", "data-test": "part-fields" },
      el("legend", {}, t(at ? "split.joint" : "split.lead")),
      field(t("case.unit"), select(`part_unit_${at}`, [["", "—"], ...units], "")),
      text(`part_to_${at}`, t("split.worker")),
      text(`part_note_${at}`, t("split.note"), true),
    ),
  );
}

// What a form says of parts, as the service takes it; rows that nobody filled in are left out.
export function takeParts(sent) {
  const parts = [];
  for (let at = 0; at < ROWS; at++) {
    const names = FIELDS.filter((name) => sent[`part_${name}_${at}`]);
    const part = Object.fromEntries(names.map((name) => [name, sent[`part_${name}_${at}`]]));
    if (names.length) parts.push(at ? part : { ...part, lead: true });
  }
  const others = Object.entries(sent).filter(([name]) => !name.startsWith("part_"));
  return parts.length ? { ...Object.fromEntries(others), parts } : sent;
}

// The parts of a case, or of which case it is one.
export function partsOf({ parts, part_of: whole }) {
  if (whole) {
    const link = el("a", { href: `/incidents/${encodeURIComponent(whole)}` }, t("split.part_of", { id: whole }));
    return el("p", { class: "message", "data-test": "part-of" }, link);
  }
  if (!parts?.length) return null;
  return el(
    "div",
    { "data-test": "parts" },
    el("h3", {}, t("split.parts", { n: parts.length })),
    el("ul", { class: "rows" }, parts.map(row)),
  );
}

function row(one) {
  const whose = [unitNames.get(one.unit_code) ?? one.unit_code, one.assignment?.name].filter(Boolean).join(" · ");
  const about = [t(one.lead ? "split.lead" : "split.joint"), whose, stateWords(one.state)].filter(Boolean).join(" · ");
  return el(
    "li",
    { "data-incident": one.id },
    el("a", { href: `/incidents/${encodeURIComponent(one.id)}` }, one.description || one.id),
    el("span", { class: "quiet" }, ` ${about} `),
    clockOf(one),
  );
}
