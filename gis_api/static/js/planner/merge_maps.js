// Two small maps beside each other: what I drew, and what the others made of the same place.
import { svg } from "../dom.js";
import { boxOf, toWorld } from "../map/world.js";
import { polygonsOf, sketchOf } from "./bearing.js";
import { meets } from "./tiling.js";

const WIDTH = 320;
const HEIGHT = 220;
const MARGIN = 0.15;

// {mine, theirs}: svg elements of one extent.
export function mergeMaps(entry, tiling, theirs) {
  const own = sketchOf(entry.body ?? {});
  const present = theirs.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  const about = [...(entry.before ?? []), ...present].map((feature) => feature.geometry);
  const box = extent([...(entry.before?.length ? entry.before.map(({ geometry }) => geometry) : about.slice(0, 4)), own].filter(Boolean));
  const near = [...tiling.shapes.values()].filter((shape) => shape.level === "grid" && meets(shape.box, box)).map(({ feature }) => feature);
  const drawn = new Map([...(entry.before ?? []), ...(entry.drawn ?? [])].map((feature) => [feature.properties.code, feature]));
  const mine = near.map((feature) => drawn.get(feature.properties.code) ?? feature);
  for (const feature of drawn.values()) if (!near.some((other) => other.properties.code === feature.properties.code)) mine.push(feature);
  return {
    mine: picture(box, mine, { marked: new Set(entry.codes), name: "mine", sketch: own }),
    theirs: picture(box, near, { marked: new Set(theirs), name: "theirs", sketch: null }),
  };
}

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
  const shapes = features.map((feature) => svg("path", {
    d: polygonsOf(feature.geometry).flat().map(path).join(""),
    "fill-rule": "evenodd",
    class: marked.has(feature.properties.code) ? `grid ${name}` : "grid",
  }));
  // The changed ones above their neighbours, or a neighbour's line would lie over theirs.
  shapes.sort((a, b) => a.classList.length - b.classList.length);
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "merge-map", role: "img" }, shapes, sketch ? drawing(sketch, place) : null);
}

function drawing(geometry, place) {
  if (geometry.type === "Point") {
    const [x, y] = place(geometry.coordinates).split(" ");
    return svg("circle", { cx: x, cy: y, r: 5, class: "sketch" });
  }
  const rings = geometry.type === "LineString" ? [geometry.coordinates] : polygonsOf(geometry).flat();
  return rings.map((ring) => svg("path", { d: `M${ring.map(place).join("L")}`, class: "sketch" }));
}
