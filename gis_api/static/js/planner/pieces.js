// An edit would cut pieces off a grid: on the map they are marked, and whoever borders on them may be chosen to get
// them.
import { t } from "../config.js";
import { el } from "../dom.js";
import { positions } from "../map/world.js";
import { shortCode } from "../model/names.js";
import { takerOf } from "./operations/registry.js";

const MOST_TAKERS = 8;

// The grids that share a stretch of border with the pieces, the one that shares most first.
export function takersOf(tiling, where) {
  const shared = new Map();
  for (const ring of ringsOf(where)) {
    const owners = ring.map(([lon, lat]) => tiling.points[tiling.index.get(`${lon},${lat}`)]?.owners ?? new Set());
    for (let i = 1; i < owners.length; i += 1) {
      for (const code of owners[i]) {
        if (owners[i - 1].has(code) && tiling.shapes.get(code)?.level === "grid")
          shared.set(code, (shared.get(code) ?? 0) + 1);
      }
    }
  }
  return [...shared].sort((a, b) => b[1] - a[1]).map(([code]) => code);
}

// The ways on after such a refusal, as buttons: along with what was drawn, or to one of the neighbours. `look` shows a
// grid.
export function waysOn(problem, { operation, tiling, again, look }) {
  const along = takerOf(operation);
  const cut = tiling.shapes.get(problem.body?.grid);
  const loser = cut?.level === "sub_grid" ? tiling.shapes.get(cut.parent) : cut;
  // Ground stays in its community, so only grids of the same one are asked about.
  const fits = (code) =>
    code !== along && code !== loser?.code && (!loser || tiling.shapes.get(code).parent === loser.parent);
  const takers = problem.where ? takersOf(tiling, problem.where).filter(fits) : [];
  const first = way("offer", t("planner.pieces_along"), () => again(along), "main");
  return [
    first,
    ...takers.slice(0, MOST_TAKERS).map((code) => {
      const button = way(`offer-${code}`, t("planner.pieces_to", { grid: shortCode(code) }), () => again(code));
      for (const event of ["mouseenter", "focus"]) button.addEventListener(event, () => look(code));
      for (const event of ["mouseleave", "blur"]) button.addEventListener(event, () => look(null));
      return button;
    }),
  ];
}

function way(name, words, act, kind = "") {
  return el("button", { type: "button", class: `small ${kind}`, "data-test": name, onclick: act }, words);
}

function ringsOf(where) {
  if (where.type === "GeometryCollection") return where.geometries.flatMap(ringsOf);
  if (where.type === "Polygon") return where.coordinates;
  if (where.type === "MultiPolygon") return where.coordinates.flat();
  return [[...positions(where)]];
}
