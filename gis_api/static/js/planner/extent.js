// How much ground a shape has and how much of it a drawing would take, in square metres; shapes as they are on the
// screen. Figures for the eye: the server measures on its own plane when the edit is made.
import { fromWorld } from "../map/world.js";
import { meets, rings } from "../model/geometry.js";

// WGS84.
const RADIUS_M = 6378137;
const FLATTENING = 1 / 298.257223563;

// The area of a grid.
export function areaOf(tiling, shape) {
  return areaWithin(
    shape.polygons.map((polygon) => polygon.map((ids) => ids.map((id) => tiling.points[id]))),
    shape.box,
  );
}

// The area of polygons of places, each with its outer ring first.
export function areaWithin(polygons, box) {
  let twice = 0;
  for (const polygon of polygons) {
    polygon.forEach((ring, number) => {
      const turned = Math.abs(turning(ring));
      twice += number ? -turned : turned;
    });
  }
  return (twice / 2) * squareMetresAt(box);
}

// The area of a drawn polygon, wherever it lies; of one that crosses itself what lies inside by the even-odd rule.
export function areaDrawn(corners) {
  const box = boxOf(corners);
  const edges = edgesOf([corners]);
  return common(edges, edges, box) * squareMetresAt(box);
}

// How much of a grid lies inside a drawn polygon.
export function areaShared(tiling, shape, corners) {
  const box = boxOf(corners);
  if (!meets(shape.box, box)) return 0;
  const outline = [...rings(shape)].map((ids) => ids.map((id) => tiling.points[id]));
  const both = [Math.max(box[0], shape.box[0]), 0, Math.min(box[2], shape.box[2]), 0];
  return common(edgesOf(outline), edgesOf([corners]), both) * squareMetresAt(box);
}

// Both outlines are cut into upright strips at their corners and wherever two edges cross. Within a strip all edges are
// straight and none crosses another, so its middle line tells how much of it is common.
/** @type {(one: any[], other: any[], box: number[]) => number} */
function common(one, other, [west, , east]) {
  const some = [one, other].map((edges) => edges.filter(({ x0, x1 }) => x1 > west && x0 < east));
  const cuts = cutsOf(...some, [west, east]);
  let area = 0;
  for (let i = 1; i < cuts.length; i += 1) {
    const x = (cuts[i] + cuts[i - 1]) / 2;
    area += (cuts[i] - cuts[i - 1]) * overlap(...some.map((edges) => heights(edges, x)));
  }
  return area;
}

// The first outline is a grid's and does not cross itself; what is being drawn may.
function cutsOf(one, other, [west, east]) {
  const cuts = new Set([west, east]);
  const edges = [...one, ...other];
  for (const { x0, x1 } of edges) cuts.add(x0).add(x1);
  for (const a of other) {
    for (const b of edges) {
      const x = crossing(a, b);
      if (x !== null) cuts.add(x);
    }
  }
  return [...cuts].filter((x) => x >= west && x <= east).sort((a, b) => a - b);
}

function crossing(a, b) {
  if (a.x1 <= b.x0 || b.x1 <= a.x0 || a.slope === b.slope) return null;
  const x = (b.y0 - a.y0 + a.slope * a.x0 - b.slope * b.x0) / (a.slope - b.slope);
  return x > Math.max(a.x0, b.x0) && x < Math.min(a.x1, b.x1) ? x : null;
}

function heights(edges, x) {
  const found = [];
  for (const { x0, x1, y0, slope } of edges) if (x0 < x && x < x1) found.push(y0 + slope * (x - x0));
  return found.sort((a, b) => a - b);
}

// How long two sets of stretches (from, to, from, to, …) lie on each other.
function overlap(one, other) {
  let length = 0;
  for (let i = 0, j = 0; i + 1 < one.length && j + 1 < other.length;) {
    length += Math.max(0, Math.min(one[i + 1], other[j + 1]) - Math.max(one[i], other[j]));
    if (one[i + 1] < other[j + 1]) i += 2;
    else j += 2;
  }
  return length;
}

// The edges of rings from west to east; upright ones bound no strip.
function edgesOf(outlines) {
  const edges = [];
  for (const ring of outlines) {
    ring.forEach((p, i) => {
      const q = ring[(i + 1) % ring.length];
      const [a, b] = p.x < q.x ? [p, q] : [q, p];
      if (a.x < b.x) edges.push({ x0: a.x, y0: a.y, x1: b.x, slope: (b.y - a.y) / (b.x - a.x) });
    });
  }
  return edges;
}

// Twice the area of a ring in world units, by its sense of turning; its first corner is taken for the origin, since
// places are large numbers that differ little.
function turning(ring) {
  const [{ x: x0, y: y0 }] = ring;
  let twice = 0;
  for (let i = 1; i + 1 < ring.length; i += 1) {
    twice += (ring[i].x - x0) * (ring[i + 1].y - y0) - (ring[i + 1].x - x0) * (ring[i].y - y0);
  }
  return twice;
}

/** @type {(corners: any[]) => [number, number, number, number]} */
export function boxOf(corners) {
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// A square world unit in m² about the middle of a box: on the ellipsoid, for a sphere is half a percent off.
/** @type {(box: number[]) => number} */
function squareMetresAt([west, north, east, south]) {
  const [, lat] = fromWorld((west + east) / 2, (north + south) / 2);
  const [sine, cosine] = [Math.sin((lat * Math.PI) / 180), Math.cos((lat * Math.PI) / 180)];
  const squared = FLATTENING * (2 - FLATTENING);
  const across = RADIUS_M / Math.sqrt(1 - squared * sine * sine);
  const along = (across * (1 - squared)) / (1 - squared * sine * sine);
  return across * along * (cosine * ((2 * Math.PI) / 256)) ** 2;
}
