// Which ways out of a problem fit it, as buttons for its row: what is offered here the server can do in one edit.
import { config, t } from "../config.js";
import { innerPoint } from "./marks.js";
import { shortCode } from "../model/names.js";
import { buildingOf } from "./words.js";

const MOST = 3;
// The operation of a fix that is a proposal to look at.
export const PROPOSAL = "proposal";
// What the service decides: which problems a repair mends, which of them no single edit does, which are never more than
// noise.
const { repairable = [], by_repair_alone: alone = [], mended_as_noise: asNoise = [] } = config.rules ?? {};

export const isRepairable = (defect) => repairable.includes(defect.kind);

// Ground that is told of a grid whose own ground nobody can tell; what nobody has (a gap) is told all the same.
const isOfGround = ({ kind }) => kind !== "gap" && repairable.includes(kind);

// [{words, operation}]: operation is one of the API's, a function that resolves with one, or PROPOSAL. `invalid` are
// the grids whose ground nobody can tell before a repair has rebuilt them. Reports name the finest tiles; ground goes
// to a grid, and the server knows to which of its sub-grids.
export function fixesOf(defect, { tiling, invalid = new Set() }) {
  if (alone.includes(defect.kind) || (isOfGround(defect) && defect.codes.some((code) => invalid.has(code)))) {
    return [{ name: "repair", words: t("planner.repair"), operation: PROPOSAL }];
  }
  const some = [...new Set(defect.codes.map((code) => tiling.gridOf(code)))].slice(0, MOST);
  const parentOf = (code) => tiling.shapes.get(code)?.parent;
  const { where } = defect;
  if (!where) return [];
  if (defect.kind === "gap") {
    const into = some.map((code) =>
      fix("planner.give_to", code, {
        op: "fill_gap",
        where: { type: "Point", coordinates: innerPoint(where) },
        into: code,
      }),
    );
    return defect.class === "noise"
      ? into
      : [
          ...into,
          {
            name: "new",
            words: t("planner.new_here"),
            operation: { op: "add", geometry: where, name: "", parent: parentOf(some[0]) },
          },
        ];
  }
  if (defect.kind === "overlap")
    return some.map((code) => fix("planner.give_to", code, { op: "give", geometry: where, to: code }));
  if (defect.kind === "cut_building") {
    return some.map((code) =>
      fix("planner.whole_to", code, async () => ({ op: "give", geometry: await buildingOf(defect), to: code })),
    );
  }
  if (defect.kind === "multipart")
    return some.map((code) => fix("planner.allow_parts", code, { op: "set", code, parts_allowed: true }));
  if (["contained", "duplicate"].includes(defect.kind)) {
    const [one, other] = some;
    return other ? [fix("planner.remove_grid", one, { op: "remove", code: one, into: other })] : [];
  }
  return [];
}

function fix(key, code, operation) {
  return { name: code, words: t(key, { grid: shortCode(code) }), operation };
}

// The codes of grids that are no valid polygons.
export function invalidOnes(report) {
  return new Set((report?.defects ?? []).filter(({ kind }) => kind === "invalid").flatMap(({ codes }) => codes));
}

// What can be mended without looking at each place: class of the problems -> their number.
export function smallOnes(report) {
  const found = { noise: 0, sliver: 0 };
  for (const defect of report?.defects ?? []) {
    if (defect.severity === "warning") continue;
    if (defect.class === "noise" || asNoise.includes(defect.kind)) found.noise += 1;
    else if (defect.class === "sliver") found.sliver += 1;
  }
  return found;
}
