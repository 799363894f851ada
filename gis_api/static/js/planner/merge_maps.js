// Two small maps beside each other: what I drew, and what the others made of the same place.
import { svg } from "../dom.js";
import { boxOf, toWorld } from "../map/world.js";
import { polygonsOf } from "./operations/effects.js";
import { gridCode, sketchOf } from "./operations/registry.js";
import { meets } from "../model/geometry.js";

const WIDTH = 320;
const HEIGHT = 220;
const MARGIN = 0.15;

// {mine, theirs}: svg elements of one extent.
export function mergeMaps(entry, tiling, theirs) {
  const own = sketchOf(entry.body ?? {});
  const before = entry.before ?? [];
  const present = theirs.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  const about = (before.length ? before : present.slice(0, 4)).map(({ geometry }) => geometry);
  const box = extent([...about, own].filter(Boolean));
  const near = [...tiling.shapes.values()]
    .filter((shape) => shape.level !== "overlay" && meets(shape.box, box))
    .map(({ feature }) => feature);
  const mine = new Map(
    [...near, ...before, ...(entry.drawn ?? [])].map((feature) => [feature.properties.code, feature]),
  );
  return {
    mine: picture(box, [...mine.values()], { marked: marks(entry.codes, tiling), name: "mine", sketch: own }),
    theirs: picture(box, near, { marked: marks(theirs, tiling), name: "theirs", sketch: null }),
  };
}

// The grids of these codes, as wholes.
const marks = (codes, tiling) => new Set(codes.map((code) => gridCode(code, tiling)));

/** @returns {[number, number, number, number]} */
function extent(geometries) {
  const [west, south, east, north] = boxOf(geometries);
  const [left, bottom] = toWorld(west, south);
  const [right, top] = toWorld(east, north);
  const [width, height] = [Math.max(right - left, 1e-5), Math.max(bottom - top, 1e-5)];
  return [left - width * MARGIN, top - height * MARGIN, right + width * MARGIN, bottom + height * MARGIN];
}

function picture([left, top, right, bottom], features, { marked, name, sketch }) {
  const scale = Math.min(WIDTH / (right - left), HEIGHT / (bottom - top));
  const [dx, dy] = [(WIDTH - (right - left) * scale) / 2, (HEIGHT - (bottom - top) * scale) / 2];
  const place = ([lon, lat]) => {
    const [x, y] = toWorld(lon, lat);
    return `${((x - left) * scale + dx).toFixed(1)} ${((y - top) * scale + dy).toFixed(1)}`;
  };
  const path = (ring) => `M${ring.map(place).join("L")}Z`;
  const shapes = features.map((feature) =>
    svg("path", {
      d: polygonsOf(feature.geometry).flat().map(path).join(""),
      "fill-rule": "evenodd",
      class: classOf(feature.properties, marked, name),
    }),
  );
  // The changed ones above their neighbours, or a neighbour's line would lie over theirs.
  const rank = (shape) => ORDER.indexOf(shape.getAttribute("class").split(" ").at(-1));
  shapes.sort((a, b) => rank(a) - rank(b));
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "merge-map", role: "img" },
    shapes,
    sketch ? drawing(sketch, place) : null,
  );
}

const ORDER = ["grid", "part", "mine", "theirs"];

function classOf({ code, level }, marked, name) {
  if (level === "sub_grid") return "part";
  return marked.has(code) ? `grid ${name}` : "grid";
}

function drawing(geometry, place) {
  if (geometry.type === "Point") {
    const [x, y] = place(geometry.coordinates).split(" ");
    return svg("circle", { cx: x, cy: y, r: 5, class: "sketch" });
  }
  const rings = geometry.type === "LineString" ? [geometry.coordinates] : polygonsOf(geometry).flat();
  return rings.map((ring) => svg("path", { d: `M${ring.map(place).join("L")}`, class: "sketch" }));
}
