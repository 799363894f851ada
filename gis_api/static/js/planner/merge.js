// Two changed the same grids: what I did and what the others did, in words and on two small maps, and what shall hold.
// Nothing is given up by closing the dialog: the edit stays among those to decide about.
import { clock, config, number, t, has } from "../config.js";
import { el } from "../dom.js";
import { obstacleTo } from "./operations/registry.js";
import { mergeMaps } from "./merge_maps.js";
import { shortCode } from "../model/names.js";

const MOST_GRIDS = 8;

export class MergeDialog {
  constructor(store, tiling) {
    this.store = store;
    this.tiling = tiling;
    this.waiting = [];
    this.open = null;
  }

  // One question after the other.
  ask(entry) {
    if (this.open === entry || this.waiting.includes(entry)) return;
    this.waiting.push(entry);
    this.next();
  }

  next() {
    if (this.open) return;
    const entry = this.waiting.shift();
    if (!entry) return;
    this.open = entry;
    const dialog = this.dialog(entry);
    document.body.append(dialog);
    dialog.showModal();
    dialog.addEventListener("close", () => this.closed(dialog, entry));
  }

  async closed(dialog, entry) {
    dialog.remove();
    this.open = null;
    const choice = dialog.returnValue;
    if (["theirs", "mine", "sketch"].includes(choice)) await this.store.line.decide(entry, choice);
    else this.store.tell("waiting");
    this.next();
  }

  dialog(entry) {
    const lines = entry.lines ?? [];
    const theirs = [...new Set(lines.flatMap(({ codes }) => codes))];
    const obstacle = entry.door === "edits" ? obstacleTo(entry.body, this.tiling) : null;
    const maps =
      entry.door === "edits" && (entry.before?.length || theirs.length) ? mergeMaps(entry, this.tiling, theirs) : null;
    maps?.mine.setAttribute("aria-label", t("together.map_mine"));
    maps?.theirs.setAttribute("aria-label", t("together.map_theirs"));
    const button = (value, more = {}) =>
      el("button", { value, "data-test": `merge-${value}`, ...more }, t(`together.choose_${value}`));
    return el(
      "dialog",
      { class: "merge", "data-test": "planner-merge", "aria-labelledby": "merge-title" },
      el(
        "form",
        { method: "dialog" },
        el("h2", { id: "merge-title" }, t(lines.length ? "together.merge_title" : "together.refused_title")),
        el("p", {}, this.lead(entry)),
        el(
          "div",
          { class: "sides" },
          el("section", {}, el("h3", {}, t("together.mine")), maps?.mine, el("ul", {}, this.mine(entry))),
          lines.length
            ? el(
                "section",
                {},
                el("h3", {}, t("together.theirs")),
                maps?.theirs,
                el(
                  "ul",
                  {},
                  lines.map((line) => theirLine(line)),
                ),
              )
            : null,
        ),
        obstacle ? el("p", { class: "message" }, t(`together.${obstacle}`, { who: names(lines) })) : null,
        el(
          "div",
          { class: "actions" },
          button("theirs"),
          button("mine", { disabled: Boolean(obstacle), class: obstacle ? "" : "main" }),
          button("sketch", { class: obstacle ? "main" : "" }),
          el("button", { value: "later", class: "quiet", formnovalidate: true }, t("together.choose_later")),
        ),
      ),
    );
  }

  lead({ problem, lines = [] }) {
    if (problem) return t("together.refused_lead", { reason: problem.message });
    if (lines.some(({ action }) => action === "unknown")) return t("together.unknown_lead");
    return t("together.merge_lead", { who: names(lines) });
  }

  mine(entry) {
    const grids = (entry.before ?? []).filter(({ properties }) => properties.level === "grid");
    return [
      el("li", {}, t("together.did", { when: clock(entry.at), who: t("together.you"), what: whatOf(entry) })),
      figures(
        grids.map(({ properties }) => {
          const [before, after] = entry.figures?.[properties.code] ?? [properties.households, null];
          return [properties.code, before, after];
        }),
      ),
    ];
  }
}

export function whatOf({ door, body }) {
  const name = door === "edits" ? body.op : door.split("?")[0];
  return t(`together.op_${name}`);
}

const names = (lines) => [...new Set(lines.map(({ by }) => by))].filter(Boolean).map(nameOf).join(t("together.and"));

export const nameOf = (name) => (name === config.person.name ? t("together.own_window") : name);

// Who did what when, and to which grids.
function theirLine(line) {
  const what = deedOf(line);
  const rows = Object.entries(line.households ?? {}).map(([code, [before, after]]) => [code, before, after]);
  return [
    el("li", {}, t("together.did", { when: line.at ? clock(line.at) : "", who: nameOf(line.by ?? "—"), what })),
    figures(rows),
  ];
}

/** @type {(deed: {action: string, op: any, author?: string}) => string} */
export function deedOf({ action, op, author }) {
  if (action === "undo" || action === "redo")
    return t(`together.${action}_of`, { who: nameOf(author), what: opName(op) });
  return opName(action === "edit" ? op : action);
}

const opName = (name) => (has(`together.op_${name}`) ? t(`together.op_${name}`) : t("together.op_other"));

function figures(rows) {
  if (!rows.length) return null;
  const shown = rows
    .slice(0, MOST_GRIDS)
    .map(([code, before, after]) => el("li", {}, words(shortCode(code), before, after)));
  const more =
    rows.length > MOST_GRIDS ? el("li", {}, t("together.more_grids", { n: number(rows.length - MOST_GRIDS) })) : null;
  return el("li", { class: "counts" }, el("ul", {}, shown, more));
}

function words(grid, before, after) {
  if (before == null) return t("together.grid_new", { grid, after: number(after) });
  if (after == null) return t("together.grid_now", { grid, before: number(before) });
  return t("planner.before_after", { grid, before: number(before), after: number(after) });
}
