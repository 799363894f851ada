// The grids of a plan as shared vertices: a position stands once, every ring that runs through it refers to it, and so
// a moved vertex moves all its owners. Positions are the stored ones to the last digit; nothing here rounds.
import { toWorld } from "../map/world.js";

const EDGE = 2 ** 26;
const edgeKey = (a, b) => (a < b ? a * EDGE + b : b * EDGE + a);

export class Tiling {
  constructor() {
    this.points = [];
    this.index = new Map();
    this.shapes = new Map();
    this.arcs = [];
    this.fixed = new Set();
  }

  add(features) {
    for (const feature of features) {
      const { code } = feature.properties;
      this.drop(code);
      this.shapes.set(code, this.shape(feature));
    }
  }

  drop(code) {
    const shape = this.shapes.get(code);
    if (!shape) return;
    for (const ring of rings(shape)) for (const point of ring) this.points[point].owners.delete(code);
    this.shapes.delete(code);
  }

  shape(feature) {
    const { code } = feature.properties;
    const parent = feature.properties.parent ?? feature.properties.parent_code ?? null;
    const polygons = feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates;
    const shape = { code, feature, properties: feature.properties, parent, level: levelOf(feature.properties) };
    // An overlay shares no vertex: moving its own must not move a tile that happens to have one there.
    const apart = shape.level === "overlay" ? `${code}:` : "";
    shape.polygons = polygons.map((polygon) => polygon.map((ring) => this.ring(ring, code, apart)));
    measure(this, shape);
    return shape;
  }

  ring(positions, code, apart) {
    const ring = [];
    for (let i = 0; i < positions.length - 1; i += 1) ring.push(this.point(positions[i], code, apart));
    return ring;
  }

  point([lon, lat], code, apart) {
    const key = `${apart}${lon},${lat}`;
    let found = this.index.get(key);
    if (found === undefined) {
      found = this.points.length;
      const [x, y] = toWorld(lon, lat);
      this.points.push({ id: found, lon, lat, x, y, owners: new Set() });
      this.index.set(key, found);
    }
    this.points[found].owners.add(code);
    return found;
  }

  // Move a vertex for the eye only; `restore` or the server's answer puts the stored shapes back.
  nudge(id, [lon, lat]) {
    const point = this.points[id];
    [point.x, point.y] = toWorld(lon, lat);
    for (const code of point.owners) measure(this, this.shapes.get(code));
  }

  // Forget what was moved for the eye: the vertex stands again where it is stored.
  settle(id) {
    const point = this.points[id];
    [point.x, point.y] = toWorld(point.lon, point.lat);
  }

  // A new vertex between two neighbours on every ring that shares the edge, for the eye only.
  bend(a, b, position) {
    const id = this.points.length;
    const [x, y] = toWorld(...position);
    this.points.push({ id, lon: position[0], lat: position[1], x, y, owners: new Set() });
    for (const code of this.sharing(a, b)) {
      for (const ring of rings(this.shapes.get(code))) {
        const at = ring.findIndex((point, i) => edgeKey(point, ring[(i + 1) % ring.length]) === edgeKey(a, b));
        if (at >= 0) ring.splice(at + 1, 0, id);
      }
      this.points[id].owners.add(code);
    }
    return id;
  }

  sharing(a, b) {
    return [...this.points[a].owners].filter((code) => this.points[b].owners.has(code) && hasEdge(this.shapes.get(code), a, b));
  }

  // The shapes as the server last told them.
  restore(codes) {
    const features = [...codes].map((code) => this.shapes.get(code)?.feature).filter(Boolean);
    for (const code of codes) {
      for (const ring of rings(this.shapes.get(code))) {
        for (const id of ring) this.settle(id);
      }
    }
    this.add(features);
  }

  at(x, y, level) {
    for (const shape of this.shapes.values()) {
      if (shape.level === level && within(shape.box, x, y) && inside(this, shape, x, y)) return shape;
    }
    return null;
  }

  // The shape of a level whose outline runs within reach of a place.
  outlineAt(x, y, { level, reach }) {
    for (const shape of this.shapes.values()) {
      const [west, north, east, south] = shape.box;
      if (shape.level !== level || !within([west - reach, north - reach, east + reach, south + reach], x, y)) continue;
      for (const ring of rings(shape)) {
        const points = ring.map((id) => this.points[id]);
        if (points.some((point, i) => footOf(point, points[(i + 1) % points.length], x, y).away <= reach)) return shape;
      }
    }
    return null;
  }

  ofLevel(level) {
    return [...this.shapes.values()].filter((shape) => shape.level === level);
  }

  // The borders as arcs between nodes, each once, however many rings run along it.
  rebuild() {
    const edges = new Map();
    const degree = new Uint8Array(this.points.length);
    const tiles = [...this.shapes.values()].filter((shape) => shape.level !== "overlay");
    for (const shape of tiles) collectEdges(shape, edges, degree);
    this.arcs = [];
    this.fixed = new Set();
    for (const shape of tiles) {
      for (const ring of rings(shape)) this.cut(ring, edges, degree);
    }
  }

  cut(ring, edges, degree) {
    const n = ring.length;
    const start = Math.max(0, ring.findIndex((point) => degree[point] !== 2));
    let arc = [ring[start]];
    for (let step = 1; step <= n; step += 1) {
      const point = ring[(start + step) % n];
      arc.push(point);
      if (degree[point] === 2 && step < n) continue;
      const first = edges.get(edgeKey(arc[0], arc[1]));
      if (!first.drawn) {
        for (let i = 1; i < arc.length; i += 1) edges.get(edgeKey(arc[i - 1], arc[i])).drawn = true;
        this.arcs.push(this.arc(arc, first));
      }
      arc = [point];
    }
  }

  arc(points, edge) {
    const grids = [...edge.owners].map((code) => this.shapes.get(code)).filter((shape) => shape.level === "grid");
    const parents = new Set(grids.map((shape) => shape.parent));
    let rank = "sub_grid";
    if (grids.length) rank = grids.length === 1 ? "frame" : parents.size > 1 ? "community" : "grid";
    // Borders of communities and of the district are moved by an import, not here.
    if (rank === "frame" || rank === "community") for (const point of points) this.fixed.add(point);
    return { points, rank, owners: edge.owners, box: boxOf(this, points) };
  }
}

// Overlay grids lie over the tiling and are no part of it.
export function levelOf({ level, exclusive }) {
  return exclusive === false ? "overlay" : level;
}

export function* rings(shape) {
  if (shape) for (const polygon of shape.polygons) yield* polygon;
}

export function shortCode(code) {
  if (/^\d{15}$/.test(code)) return `${code.slice(9, 12)}-${code.slice(12)}`;
  if (/^\d{17}$/.test(code)) return `${code.slice(9, 12)}-${code.slice(12, 15)}-${code.slice(15)}`;
  return code.replace(/^\d{6}-/, "");
}

function collectEdges(shape, edges, degree) {
  for (const ring of rings(shape)) {
    for (let i = 0; i < ring.length; i += 1) {
      const a = ring[i];
      const b = ring[(i + 1) % ring.length];
      const key = edgeKey(a, b);
      const edge = edges.get(key);
      if (edge) edge.owners.push(shape.code);
      else {
        edges.set(key, { owners: [shape.code], drawn: false });
        degree[a] += 1;
        degree[b] += 1;
      }
    }
  }
}

function hasEdge(shape, a, b) {
  for (const ring of rings(shape)) {
    for (let i = 0; i < ring.length; i += 1) if (edgeKey(ring[i], ring[(i + 1) % ring.length]) === edgeKey(a, b)) return true;
  }
  return false;
}

function boxOf(tiling, ids) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const id of ids) {
    const { x, y } = tiling.points[id];
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return box;
}

function measure(tiling, shape) {
  if (!shape) return;
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const polygon of shape.polygons) {
    const part = boxOf(tiling, polygon[0]);
    for (let i = 0; i < 4; i += 1) box[i] = i < 2 ? Math.min(box[i], part[i]) : Math.max(box[i], part[i]);
  }
  shape.box = box;
  shape.label = null;
}

// The place on an edge nearest to another place, and how far it is.
export function footOf(p, q, x, y) {
  const [dx, dy] = [q.x - p.x, q.y - p.y];
  const share = Math.max(0, Math.min(1, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)));
  const [footX, footY] = [p.x + share * dx, p.y + share * dy];
  return { x: footX, y: footY, away: Math.hypot(footX - x, footY - y) };
}

export const within = (box, x, y) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
export const meets = (a, b) => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

export function inside(tiling, shape, x, y) {
  let odd = false;
  for (const ring of rings(shape)) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const p = tiling.points[ring[i]];
      const q = tiling.points[ring[j]];
      if (p.y > y !== q.y > y && x < ((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x) odd = !odd;
    }
  }
  return odd;
}

// A place well inside for the label: the middle of the widest run on the best of three horizontal cuts.
export function labelOf(tiling, shape) {
  if (!shape.label) {
    const [, top, , bottom] = shape.box;
    const cuts = [0.5, 0.38, 0.62].map((share) => widest(tiling, shape, top + (bottom - top) * share + 1e-12));
    shape.label = cuts.reduce((best, cut) => (cut.width > best.width * 1.25 ? cut : best));
  }
  return shape.label;
}

function widest(tiling, shape, y) {
  const hits = [];
  for (const ring of rings(shape)) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const p = tiling.points[ring[i]];
      const q = tiling.points[ring[j]];
      if (p.y > y !== q.y > y) hits.push(((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x);
    }
  }
  hits.sort((a, b) => a - b);
  let best = { x: (shape.box[0] + shape.box[2]) / 2, y, width: 0 };
  for (let i = 0; i + 1 < hits.length; i += 2) {
    if (hits[i + 1] - hits[i] > best.width) best = { x: (hits[i] + hits[i + 1]) / 2, y, width: hits[i + 1] - hits[i] };
  }
  return best;
}
