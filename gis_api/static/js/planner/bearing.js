// What an operation bears upon: the grids that it touches, whether it still makes sense, how it looks before the service
// has answered. The client only guesses here, to the safe side; the service decides.
import { boxOf, toWorld } from "../map/world.js";
import { footOf, meets } from "./tiling.js";

// A touched border far from the pointer is no touched border (world units at zoom 0: about half a metre).
const ON_BORDER = 1e-6;
const MOST_DRAWN = 40;

export const placeOf = (op) => op.from ?? op.at ?? op.where?.coordinates ?? null;
export const shapeOf = (op) => op.line ?? op.geometry ?? null;

// A sub-grid moves with its grid: both go by the grid's code.
export function gridCode(code, tiling) {
  const shape = tiling.shapes.get(code);
  if (shape?.level === "sub_grid" && shape.parent) return shape.parent;
  return /^\d{17}$/.test(code) ? code.slice(0, 15) : code;
}

// The codes of every grid and sub-grid that an operation is about, as the map is now.
export function touchedBy(op, tiling) {
  const named = [op.code, op.left, op.right, op.to, op.into, op.new_code, ...(op.codes ?? [])].filter(
    (code) => typeof code === "string",
  );
  const drawn = ["carve", "add", "give"].includes(op.op) ? below(boxInWorld(op.geometry), tiling) : [];
  const gap = op.op === "fill_gap" ? below(boxInWorld(op.where), tiling) : [];
  return [...new Set([...named, ...atVertex(op, tiling), ...drawn, ...gap])];
}

function atVertex(op, tiling) {
  if (op.op === "insert_vertex") return edgeAt(op.at, tiling)?.owners ?? [];
  if (op.op !== "move_vertex" && op.op !== "delete_vertex") return [];
  return [...(vertexAt(placeOf(op), tiling)?.owners ?? [])];
}

function vertexAt([lon, lat], tiling) {
  const id = tiling.index.get(`${lon},${lat}`);
  const point = id === undefined ? null : tiling.points[id];
  return point?.owners.size ? point : null;
}

function edgeAt([lon, lat], tiling) {
  const [x, y] = toWorld(lon, lat);
  let best = null;
  for (const arc of tiling.arcs) {
    if (!meets(arc.box, [x - ON_BORDER, y - ON_BORDER, x + ON_BORDER, y + ON_BORDER])) continue;
    for (let i = 1; i < arc.points.length; i += 1) {
      const [a, b] = [tiling.points[arc.points[i - 1]], tiling.points[arc.points[i]]];
      const { away } = footOf(a, b, x, y);
      if (away <= (best?.away ?? ON_BORDER)) best = { away, a, b };
    }
  }
  return best && { ...best, owners: [...best.a.owners].filter((code) => best.b.owners.has(code)) };
}

function boxInWorld(geometry) {
  const [west, south, east, north] = boxOf([geometry]);
  const [left, bottom] = toWorld(west, south);
  const [right, top] = toWorld(east, north);
  return [left, top, right, bottom];
}

const below = (box, tiling) =>
  [...tiling.shapes.values()]
    .filter((shape) => shape.level !== "overlay" && meets(shape.box, box))
    .map(({ code }) => code);

// Why an operation makes no sense any more on the map as it is now (the end of a text's key), or null where it does.
export function obstacleTo(op, tiling) {
  if (["move_vertex", "delete_vertex"].includes(op.op) && !vertexAt(placeOf(op), tiling)) return "vertex_gone";
  if (op.op === "insert_vertex" && !edgeAt(op.at, tiling)) return "border_gone";
  const needed = [op.code, op.left, op.right, op.op === "give" ? op.to : null, op.into, ...(op.codes ?? [])].filter(
    Boolean,
  );
  return needed.every((code) => tiling.shapes.has(code)) ? null : "grid_gone";
}

// The touched grids as they would be, for operations on vertices; null for those that only the service can draw.
export function drawnBefore(op, tiling) {
  if (op.op === "insert_vertex") return inserted(op, tiling);
  if (op.op === "move_vertex") return redrawn(op, tiling, () => [op.to]);
  if (op.op === "delete_vertex") return redrawn(op, tiling, () => []);
  return null;
}

function redrawn(op, tiling, instead) {
  const [lon, lat] = placeOf(op);
  return changed(touchedBy(op, tiling), tiling, (ring) =>
    ring.flatMap((place) => (place[0] === lon && place[1] === lat ? instead() : [place])),
  );
}

function inserted(op, tiling) {
  const edge = edgeAt(op.at, tiling);
  if (!edge) return null;
  const same = (place, point) => place[0] === point.lon && place[1] === point.lat;
  const between = (p, q) => (same(p, edge.a) && same(q, edge.b)) || (same(p, edge.b) && same(q, edge.a));
  return changed(edge.owners, tiling, (ring) =>
    ring.flatMap((place, i) => (between(place, ring[(i + 1) % ring.length]) ? [place, op.to] : [place])),
  );
}

function changed(codes, tiling, redraw) {
  const features = codes.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  return features.map((feature) => ({
    ...feature,
    geometry: {
      type: "MultiPolygon",
      coordinates: polygonsOf(feature.geometry).map((polygon) =>
        polygon.map((ring) => closed(redraw(ring.slice(0, -1)), ring)),
      ),
    },
  }));
}

const closed = (ring, old) => (ring.length < 3 ? old : [...ring, ring[0]]);
export const polygonsOf = (geometry) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates);

// The touched grids as they are now, to show later what an edit was drawn on; none where they are too many to keep.
export function featuresBefore(codes, tiling) {
  const features = codes.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  return features.length > MOST_DRAWN ? [] : features;
}

// What is seen of an operation where its result cannot be drawn: its line, its area, or the way of its vertex.
export function sketchOf(op) {
  if (shapeOf(op)) return shapeOf(op);
  if (op.op === "delete_vertex") return { type: "Point", coordinates: op.at };
  const place = placeOf(op);
  if (!place) return null;
  return Array.isArray(op.to)
    ? { type: "LineString", coordinates: [place, op.to] }
    : { type: "Point", coordinates: place };
}
