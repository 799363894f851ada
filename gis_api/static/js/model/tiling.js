// The grids of a plan as shared vertices: a position stands once, every ring that runs through it refers to it, and so
// a moved vertex moves all its owners. Positions are the stored ones to the last digit; nothing here rounds.
import { footOf, inside, rings, within } from "./geometry.js";
import { allToWorld, toWorld } from "../map/world.js";
import { allArcs, arcsOf } from "./arcs.js";
import { ShortCodes } from "./names.js";
import { Places, Point } from "./places.js";

const EDGE = 2 ** 26;
const edgeKey = (a, b) => (a < b ? a * EDGE + b : b * EDGE + a);
// Beyond so many changed grids the whole is quicker.
const MOST_CHANGED = 150;

export class Tiling {
  /** @type {Point[]} */
  points = [];
  index = new Places(this.points);
  /** @type {Map<string, any>} */
  shapes = new Map();
  names = new ShortCodes();
  /** @type {any[]} */
  arcs = [];
  /** @type {Set<string>} the codes of what has changed since the arcs were drawn */
  changed = new Set();
  /** @type {Set<number> | null} */
  still = null;

  clear() {
    this.points = [];
    this.index = new Places(this.points);
    this.shapes = new Map();
    this.names = new ShortCodes();
    this.arcs = [];
    this.changed = new Set();
    this.still = null;
  }

  // Everything anew from a packed message (topology.js).
  load({ lon, lat, shapes }) {
    this.clear();
    const first = owning(shapes, lon.length);
    const [x, y] = allToWorld(lon, lat);
    for (let id = 0; id < lon.length; id += 1) this.points.push(new Point(id, lon[id], lat[id], x[id], y[id], first));
    this.index.adopt();
    for (const { properties, polygons } of shapes) {
      const { code } = properties;
      this.names.add(code);
      if (levelOf(properties) === "overlay")
        this.shapes.set(code, this.shape(featureOf(properties, () => placed(polygons, lon, lat))));
      else
        this.shapes.set(
          code,
          this.drawn(
            featureOf(properties, () => placed(polygons, lon, lat)),
            polygons,
            [x, y],
          ),
        );
    }
    this.rebuild();
  }

  drawn(feature, polygons, [x, y]) {
    const { properties } = feature;
    const shape = {
      code: properties.code,
      feature,
      properties,
      parent: properties.parent ?? null,
      level: levelOf(properties),
    };
    shape.polygons = polygons.map((polygon) => polygon.map((ring) => ring.slice()));
    shape.box = boxAmong(polygons, x, y);
    shape.label = null;
    return shape;
  }

  add(features) {
    for (const feature of features) {
      const { code } = feature.properties;
      this.drop(code);
      this.changed.add(code);
      this.shapes.set(code, this.shape(feature));
      this.names.add(code);
    }
  }

  drop(code) {
    const shape = this.shapes.get(code);
    if (!shape) return;
    for (const ring of rings(shape)) for (const point of ring) this.points[point].owners.delete(code);
    this.shapes.delete(code);
    this.names.drop(code);
    this.changed.add(code);
  }

  shape(feature) {
    const { code } = feature.properties;
    const parent = feature.properties.parent ?? feature.properties.parent_code ?? null;
    const polygons =
      feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates;
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
      this.points.push(new Point(found, lon, lat, x, y));
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
    this.points.push(new Point(id, position[0], position[1], x, y));
    for (const code of this.sharing(a, b)) {
      for (const ring of rings(this.shapes.get(code))) {
        const at = ring.findIndex((point, i) => edgeKey(point, ring[(i + 1) % ring.length]) === edgeKey(a, b));
        if (at >= 0) ring.splice(at + 1, 0, id);
      }
      this.points[id].owners.add(code);
    }
    return id;
  }

  // Whether some ring has this vertex.
  runsThrough(id) {
    const held = [...this.points[id].owners].map((code) => this.shapes.get(code));
    return held.some((shape) => [...rings(shape)].some((ring) => ring.includes(id)));
  }

  sharing(a, b) {
    return [...this.points[a].owners].filter(
      (code) => this.points[b].owners.has(code) && hasEdge(this.shapes.get(code), a, b),
    );
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

  // The grid that a tile belongs to; its own code where it has no sub-grids.
  gridOf(code) {
    const shape = this.shapes.get(code);
    return shape?.level === "sub_grid" ? shape.parent : code;
  }

  ofLevel(level) {
    return [...this.shapes.values()].filter((shape) => shape.level === level);
  }

  // The borders as arcs between nodes, each once, however many rings run along it: of what has changed since the last
  // time, where that is little.
  rebuild() {
    const changed = this.changed;
    this.changed = new Set();
    if (!this.arcs.length || changed.size > MOST_CHANGED) this.arcs = allArcs(this);
    else if (changed.size) {
      const kept = this.arcs.filter((arc) => !arc.owners.some((code) => changed.has(code)));
      this.arcs = kept.concat(arcsOf(this, changed));
    }
    this.still = null;
  }

  // Vertices of borders of communities and of the district: those are moved by an import, not here.
  get fixed() {
    if (!this.still) {
      this.still = new Set();
      for (const { rank, points } of this.arcs) {
        if (rank === "frame" || rank === "community") for (const point of points) this.still.add(point);
      }
    }
    return this.still;
  }

  boxOf(ids) {
    return boxOf(this, ids);
  }
}

// Overlay grids lie over the tiling and are no part of it.
export function levelOf({ level, exclusive }) {
  return exclusive === false ? "overlay" : level;
}

// A feature whose geometry is made when somebody asks for it.
function featureOf(properties, coordinates) {
  /** @type {{type: string, coordinates: any} | null} */
  let made = null;
  return {
    type: "Feature",
    id: properties.code,
    properties,
    get geometry() {
      made ??= { type: "MultiPolygon", coordinates: coordinates() };
      return made;
    },
  };
}

function placed(polygons, lon, lat) {
  const at = (id) => [lon[id], lat[id]];
  return polygons.map((polygon) => polygon.map((ring) => [...ring.map(at), at(ring[0])]));
}

// For every vertex the codes of the tiles that run through it, packed: those of vertex i stand from start[i] on.
function owning(shapes, points) {
  const tiles = shapes.filter(({ properties }) => levelOf(properties) !== "overlay");
  const start = new Uint32Array(points + 1);
  const each = (act) =>
    tiles.forEach(({ polygons }, row) =>
      polygons.forEach((polygon) => polygon.forEach((ring) => ring.forEach((id) => act(id, row)))),
    );
  each((id) => {
    start[id + 1] += 1;
  });
  for (let i = 0; i < points; i += 1) start[i + 1] += start[i];
  const next = start.slice();
  const rows = new Uint32Array(start[points]);
  each((id, row) => {
    rows[next[id]] = row;
    next[id] += 1;
  });
  return { start, rows, codes: tiles.map(({ properties }) => properties.code) };
}

function hasEdge(shape, a, b) {
  for (const ring of rings(shape)) {
    for (let i = 0; i < ring.length; i += 1)
      if (edgeKey(ring[i], ring[(i + 1) % ring.length]) === edgeKey(a, b)) return true;
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

// The same from columns of positions, for a whole plan at once.
function boxAmong(polygons, x, y) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [outer] of polygons) {
    for (const id of outer) {
      if (x[id] < box[0]) box[0] = x[id];
      if (y[id] < box[1]) box[1] = y[id];
      if (x[id] > box[2]) box[2] = x[id];
      if (y[id] > box[3]) box[3] = y[id];
    }
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
