// A small map of a proposal: its grids, darker where there are more households than asked for, hatched where balance
// could not be had.
import { svg } from "../../dom.js";
import { boxOf, toWorld } from "../../map/world.js";
import { polygonsOf } from "../operations/effects.js";

const WIDTH = 320;
const HEIGHT = 220;
const MARGIN = 8;

export function pictureOf({ grids, sub_grids: subs, figures, profile }, { tolerance, words }) {
  const place = placing(grids.features.map(({ geometry }) => geometry));
  const path = (feature, kind) =>
    svg("path", { d: drawing(feature.geometry, place), "fill-rule": "evenodd", class: kind });
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "division-map", role: "img", "aria-label": words, "data-map": profile },
    grids.features.map((feature) => path(feature, kindOf(feature.properties, figures.target, tolerance))),
    subs.features.map((feature) => path(feature, "part")),
  );
}

// What a grid is painted as: within tolerance, too many, too few, or apart from all that.
export function kindOf({ role, weight }, target, tolerance) {
  if (role !== "base") return role;
  if (Math.abs(weight / target - 1) <= tolerance + 1e-9) return "within";
  return weight > target ? "above" : "below";
}

function placing(geometries) {
  const [west, south, east, north] = boxOf(geometries);
  const [left, bottom] = toWorld(west, south);
  const [right, top] = toWorld(east, north);
  const scale = Math.min((WIDTH - 2 * MARGIN) / (right - left), (HEIGHT - 2 * MARGIN) / (bottom - top));
  const [dx, dy] = [(WIDTH - (right - left) * scale) / 2, (HEIGHT - (bottom - top) * scale) / 2];
  return ([lon, lat]) => {
    const [x, y] = toWorld(lon, lat);
    return `${((x - left) * scale + dx).toFixed(1)} ${((y - top) * scale + dy).toFixed(1)}`;
  };
}

const drawing = (geometry, place) =>
  polygonsOf(geometry)
    .flat()
    .map((ring) => `M${ring.map(place).join("L")}Z`)
    .join("");
