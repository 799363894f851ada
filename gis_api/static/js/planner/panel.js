// The panel: households of the touched grids, problems with their fixes, what changes hands.
import { changeInWords, config, measure, number, t, has } from "../config.js";
import { barRow, el, fill } from "../dom.js";
import { communityName, communityNames, shortCode } from "../model/names.js";

const ROWS = 30;
const HOUSEHOLD_ROWS = 8;
// More grids without households than so many are one row, with so many names.
const MOST_EMPTY = 3;
const MOST_NAMES = 60;

// What the service decides: how far from its target a grid may be (a share of it), which kinds of problems are
// warnings.
const { households_tolerance: TOLERANCE, warnings: WARNINGS } = config.rules ?? { warnings: [] };

// How far a grid is from its target, as a share of it; null where it has none (dedicated grids, foreign data).
export function deviation({ target, households }) {
  return target ? households / target - 1 : null;
}

export function outOfRange(properties) {
  const { target, households } = properties;
  return (
    Boolean(target) &&
    (households < Math.round(target * (1 - TOLERANCE)) || households > Math.round(target * (1 + TOLERANCE)))
  );
}

export function showHouseholds(list, lead, { tiling, touched, chosen, choose }) {
  const grids = tiling.ofLevel("grid").map((shape) => shape.properties);
  const first = grids.filter((grid) => touched.has(grid.code));
  const shown = first.length ? first : grids.filter((grid) => grid.kind !== "dedicated");
  const sorted = shown.sort(
    (a, b) => Math.abs(deviation(b) ?? 0) - Math.abs(deviation(a) ?? 0) || b.households - a.households,
  );
  const rows = sorted.slice(0, HOUSEHOLD_ROWS);
  const top = Math.max(1, ...rows.map((grid) => Math.max(grid.households, (grid.target ?? 0) * 1.35)));
  const total = grids.reduce((sum, grid) => sum + grid.households, 0);
  if (!total && !first.length) {
    lead.textContent = t("planner.no_households");
    fill(list);
    return;
  }
  const targets = [...new Set(rows.map((grid) => grid.target).filter(Boolean))].sort((a, b) => a - b);
  lead.textContent = [
    first.length
      ? t("planner.touched_lead")
      : t("planner.all_lead", { grids: number(grids.length), households: number(total) }),
    targets.length ? t("planner.target_lead", { target: targets.join(" / "), tolerance: TOLERANCE * 100 }) : "",
  ]
    .filter(Boolean)
    .join(" · ");
  fill(
    list,
    rows.map((grid) => householdRow(grid, { top, touched: chosen === grid.code, choose })),
  );
}

function householdRow(grid, { top, touched, choose }) {
  const row = barRow(shortCode(grid.code), {
    ...barOf(grid, top),
    figure: number(grid.households),
    touched,
    extra: {
      "data-code": grid.code,
      tabindex: "0",
      role: "button",
      onclick: () => choose(grid.code),
      onkeydown: (event) => event.key === "Enter" && choose(grid.code),
    },
  });
  const words = [communityName(grid.code), sizesBetween(null, grid)].filter(Boolean).join(" · ");
  row.append(el("span", { class: "sizes" }, words));
  return row;
}

function barOf(grid, top) {
  const off = deviation(grid);
  const out = outOfRange(grid);
  return {
    share: grid.households / top,
    tick: grid.target ? grid.target / top : null,
    colour: out ? "var(--range)" : "var(--good)",
    note: off == null ? "" : shareOf(off, out),
  };
}

// Out of range an arrow says which way, so no sign does.
const shareOf = (off, out) => changeInWords(off, out ? { up: "▲", down: "▼" } : {});

// The same bars while something is drawn, with buildings and ground before and after (household_figures.js).
export function showForecast(list, lead, { tiling, figures, fresh }) {
  const rows = [...figures].map(([code, [before, after]]) => ({
    ...tiling.shapes.get(code)?.properties,
    code,
    before,
    ...after,
  }));
  if (fresh) rows.push({ code: "", before: null, ...fresh, target: rows[0]?.target });
  const top = Math.max(
    1,
    ...rows.map((grid) => Math.max(grid.households, grid.before?.households ?? 0, (grid.target ?? 0) * 1.35)),
  );
  lead.textContent = t("planner.foreseen_lead");
  fill(
    list,
    rows.slice(0, HOUSEHOLD_ROWS).map((grid) => forecastRow(grid, top)),
  );
}

function forecastRow({ before, ...grid }, top) {
  const was = before?.households ?? 0;
  const row = barRow(grid.code ? shortCode(grid.code) : t("planner.new_grid"), {
    ...barOf(grid, top),
    was: was / top,
    figure: t("planner.from_to", { before: number(was), after: number(grid.households) }),
    touched: was !== grid.households,
    extra: {
      "data-code": grid.code,
      "data-before": was,
      "data-after": grid.households,
      "data-buildings": grid.buildings,
      "data-area": grid.area_m2,
    },
  });
  row.append(el("span", { class: "sizes" }, sizesBetween(before, grid)));
  return row;
}

// The second line of the rows that are shown, anew: areas change with every step of the pointer.
export function showSizes(list, { figures, fresh }) {
  const now = [...figures.values(), ...(fresh ? [[null, fresh]] : [])];
  [...list.children].forEach((row, i) => {
    const [before, after] = now[i];
    const words = sizesBetween(before, after);
    const line = row.querySelector(".sizes");
    row.dataset.area = after.area_m2;
    if (line.textContent !== words) line.textContent = words;
  });
}

function sizesBetween(before, after) {
  const told = (name, write) =>
    before && write(before[name]) !== write(after[name])
      ? t("planner.from_to", { before: write(before[name]), after: write(after[name]) })
      : write(after[name]);
  return `${t("planner.n_buildings", { n: told("buildings", number) })} · ${told("area_m2", measure)} m²`;
}

export function kindName(kind) {
  const key = `defects.${kind}`;
  return has(key) ? t(key) : kind;
}

export function counts(report) {
  const defects = report?.defects ?? [];
  const errors = defects.filter((defect) => defect.severity !== "warning");
  return { errors: errors.length, warnings: defects.length - errors.length };
}

// How many errors and warnings a plan has and the kinds of its errors; until its report is here, from the summary that
// was kept with the last edit: to check a whole district anew takes seconds. Null where nothing is known.
export function verdictOf({ report, plan }) {
  if (report) {
    const kinds = report.defects.filter((defect) => defect.severity !== "warning").map(({ kind }) => kind);
    return { ...counts(report), kinds: [...new Set(kinds)] };
  }
  const { errors, warnings, by_kind: numbers } = plan.summary ?? {};
  if (errors === undefined) return null;
  return { errors, warnings, kinds: Object.keys(numbers).filter((kind) => numbers[kind] && !WARNINGS.includes(kind)) };
}

// `fixes` gives the ways out of a problem ([{name, words, operation}]), `mend` does one of them.
export function showProblems(list, report, { locate, fixes, mend, gridOf }) {
  const defects = [...(report?.defects ?? [])].sort((a, b) => rank(a) - rank(b) || (b.area_m2 ?? 0) - (a.area_m2 ?? 0));
  if (!defects.length) {
    fill(list, el("li", { class: "message good" }, el("div", {}, t("planner.no_problems"))));
    return;
  }
  // A grid without households lies out of range, and a district of which no households are known has hundreds of them.
  const isEmpty = ({ kind, codes }) => kind === "households_out_of_range" && gridOf(codes[0])?.households === 0;
  const empty = defects.filter(isEmpty);
  const told = empty.length > MOST_EMPTY ? defects.filter((defect) => !isEmpty(defect)) : defects;
  const rows = told.slice(0, ROWS).map((defect) => problemRow(defect, { locate, fixes, mend, gridOf }));
  if (told.length > ROWS)
    rows.push(el("li", { class: "quiet" }, t("planner.more_problems", { n: number(told.length - ROWS) })));
  if (told.length < defects.length) rows.push(emptyRow(empty, locate));
  fill(list, rows);
}

// All grids without households as one row; each is shown by a click on its name.
function emptyRow(defects, locate) {
  const names = defects
    .slice(0, MOST_NAMES)
    .map((defect) =>
      el("button", { type: "button", class: "small", onclick: () => locate(defect) }, shortCode(defect.codes[0])),
    );
  const more = defects.length - names.length;
  return el(
    "li",
    { class: "problem warning", "data-kind": "households_out_of_range", "data-test": "planner-empty" },
    el("b", { class: "kind" }, `${t("planner.warning_mark")} · ${kindName("households_out_of_range")}`),
    el(
      "details",
      {},
      el("summary", {}, t("planner.without_households", { n: number(defects.length) })),
      el("div", { class: "actions" }, names, more > 0 ? el("span", { class: "quiet" }, `+${number(more)}`) : null),
    ),
  );
}

const rank = (defect) => (defect.severity === "warning" ? 1 : 0);

function problemRow(defect, { locate, fixes, mend, gridOf }) {
  const size = sizeOf(defect);
  const buttons = fixes(defect).map(({ name, words, operation }) =>
    el("button", { type: "button", class: "small", "data-fix": name, onclick: () => mend(operation) }, words),
  );
  if (defect.where)
    buttons.push(
      el(
        "button",
        { type: "button", class: "small", "data-fix": "locate", onclick: () => locate(defect) },
        t("planner.locate"),
      ),
    );
  return el(
    "li",
    { class: `problem ${defect.severity}`, "data-kind": defect.kind },
    el(
      "b",
      { class: "kind" },
      [defect.severity === "warning" ? t("planner.warning_mark") : null, kindName(defect.kind), size]
        .filter(Boolean)
        .join(" · "),
    ),
    el("p", {}, sentence(defect, gridOf)),
    el("div", { class: "actions" }, buttons),
  );
}

function sizeOf(defect) {
  if (defect.area_m2) return `${measure(defect.area_m2)} m²`;
  return defect.length_m ? `${measure(defect.length_m)} m` : null;
}

function sentence(defect, gridOf) {
  const parts = [];
  const grid = defect.kind === "households_out_of_range" ? gridOf(defect.codes[0]) : null;
  if (defect.codes?.length)
    parts.push(t("planner.between", { grids: defect.codes.slice(0, 4).map(shortCode).join(t("planner.and")) }));
  parts.push(...communityNames(defect.codes ?? []));
  if (defect.class && has(`defects.class_${defect.class}`)) parts.push(t(`defects.class_${defect.class}`));
  if (defect.width_m) parts.push(t("planner.width", { width: measure(defect.width_m) }));
  if (defect.kind === "gap")
    parts.push(defect.households ? t("planner.holds", { n: number(defect.households) }) : t("planner.holds_nobody"));
  else if (grid)
    parts.push(t("planner.households_of_target", { n: number(grid.households), target: number(grid.target) }));
  else if (defect.households) parts.push(t("planner.households_n", { n: number(defect.households) }));
  return parts.join(t("planner.comma"));
}

// What the difference to the published plan says, whichever of its parts the server tells.
export function showChanges(box, difference) {
  const summary = difference.summary ?? {};
  const facts = ["added", "removed", "reshaped"].map((key) => [
    t(`planner.grids_${key}`),
    sizeOfList(difference[key] ?? summary[key]),
  ]);
  for (const key of ["buildings", "households", "workers", "incidents"]) {
    const value = difference[key] ?? difference.moved?.[key] ?? summary[key];
    if (value !== undefined) facts.push([t(`planner.moved_${key}`), sizeOfList(value)]);
  }
  const total = ["added", "removed", "reshaped"].reduce((sum, key) => sum + count(difference[key] ?? summary[key]), 0);
  fill(
    box,
    el(
      "dl",
      { class: "facts" },
      facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    ),
    moves(difference),
  );
  return total;
}

function moves(difference) {
  const list = Array.isArray(difference.moves)
    ? difference.moves
    : Array.isArray(difference.households)
      ? difference.households
      : [];
  return el(
    "ul",
    { class: "moves" },
    list.slice(0, ROWS).map((move) =>
      el(
        "li",
        {},
        t("planner.move", {
          n: number(move.households ?? 0),
          from: shortCode(String(move.from ?? "—")),
          to: shortCode(String(move.to ?? "—")),
          buildings: number(move.buildings ?? 0),
        }),
        el("span", { class: "quiet" }, ` ${communityNames([move.from, move.to]).join(t("planner.and"))}`),
      ),
    ),
  );
}

const count = (value) => (Array.isArray(value) ? value.length : typeof value === "number" ? value : 0);
const sizeOfList = (value) => number(count(value));

// What is told of a grid under the pointer.
export function figuresOf({ properties }) {
  const { households, area_m2: area, kind, target } = properties;
  const counted = target
    ? t("planner.households_of_target", { n: number(households), target: number(target) })
    : t("planner.households_n", { n: number(households ?? 0) });
  const parts = [kind === "dedicated" ? t("planner.dedicated") : counted];
  if (area) parts.push(`${measure(area)} m²`);
  if (outOfRange(properties)) parts.push(t("planner.out_of_range"));
  return parts.join(" · ");
}
