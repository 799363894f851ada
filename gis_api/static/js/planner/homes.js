// The buildings around what is being edited: footprints to the last stored digit, a point inside, their households.
// Fetched by squares of ground when a place is looked at, never while the pointer moves; found again by a hash of
// cells.
import { mayComeBack, untilThere } from "../again.js";
import { getFeatures } from "../api.js";
import { fromWorld, toWorld } from "../map/world.js";
import { meets } from "../model/geometry.js";

// World units (256 for the whole world): squares that are fetched, about 470 m in the middle latitudes, and cells of
// the hash.
const SQUARE = 256 / 2 ** 16;
const CELL = 256 / 2 ** 19;
const MOST_SQUARES = 64;

export class Homes {
  constructor() {
    this.known = new Set();
    this.ids = new Set();
    this.cells = new Map();
    this.waiting = Promise.resolve();
    this.missed = null;
    // Called when buildings came that could not be had when they were asked for.
    this.came = () => {};
  }

  // See to it that the buildings of a world box are here; boxes that are too large to be edited in are left alone.
  around(box) {
    this.waiting = this.waiting.then(() => this.fetch(box)).catch((problem) => this.askLater(box, problem));
    return this.waiting;
  }

  // Nobody waits for it; the last box that was looked at in vain is what is asked for.
  askLater(box, problem) {
    this.missed = box;
    if (!mayComeBack(problem)) return;
    const wanted = () => this.missed === box;
    untilThere(() => this.fetch(box), { wanted }).then(
      () => this.came(),
      () => null,
    );
  }

  // Whether all buildings of a box are here.
  knows(box) {
    return squares(box, SQUARE).every((key) => this.known.has(key));
  }

  async fetch(box) {
    const missing = squares(box, SQUARE).filter((key) => !this.known.has(key));
    if (!missing.length || missing.length > MOST_SQUARES) return;
    const sides = missing.map((key) => key.split(",").map(Number));
    const xs = sides.map(([x]) => x);
    const ys = sides.map(([, y]) => y);
    const [west, north] = fromWorld(Math.min(...xs) * SQUARE, Math.min(...ys) * SQUARE);
    const [east, south] = fromWorld((Math.max(...xs) + 1) * SQUARE, (Math.max(...ys) + 1) * SQUARE);
    const features = await getFeatures(
      `/api/v1/buildings?bbox=${[west, south, east, north].map((side) => side.toFixed(6)).join()}&limit=10000`,
    );
    for (const feature of features) this.add(feature);
    for (const key of missing) this.known.add(key);
  }

  add(feature) {
    const id = String(feature.id);
    if (this.ids.has(id) || !feature.geometry) return;
    this.ids.add(id);
    const building = buildingOf(id, feature);
    for (const key of squares(building.box, CELL)) {
      const cell = this.cells.get(key);
      if (cell) cell.push(building);
      else this.cells.set(key, [building]);
    }
  }

  // The buildings whose boxes meet a world box, each once.
  near(box) {
    const found = new Set();
    for (const key of squares(box, CELL)) {
      for (const building of this.cells.get(key) ?? []) if (meets(building.box, box)) found.add(building);
    }
    return found;
  }
}

/** @type {(box: number[], side: number) => string[]} */
function squares([west, north, east, south], side) {
  const keys = [];
  for (let x = Math.floor(west / side); x <= Math.floor(east / side); x += 1) {
    for (let y = Math.floor(north / side); y <= Math.floor(south / side); y += 1) keys.push(`${x},${y}`);
  }
  return keys;
}

function buildingOf(id, { geometry, properties }) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const rings = polygons.flat().map((ring) =>
    ring.map(([lon, lat]) => {
      const [x, y] = toWorld(lon, lat);
      return { x, y, lon, lat };
    }),
  );
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of rings.flat()) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return {
    id,
    name: properties.name,
    households: properties.households ?? 0,
    geometry,
    rings,
    box,
    ...innerOf(rings, box),
  };
}

// A place well inside: the middle of the widest run on a horizontal cut through the middle of the building.
function innerOf(rings, box) {
  const y = (box[1] + box[3]) / 2 + 1e-13;
  const hits = [];
  for (const ring of rings) {
    for (let i = 1; i < ring.length; i += 1) {
      const [p, q] = [ring[i - 1], ring[i]];
      if (p.y > y !== q.y > y) hits.push(p.x + ((q.x - p.x) * (y - p.y)) / (q.y - p.y));
    }
  }
  hits.sort((a, b) => a - b);
  let best = { x: (box[0] + box[2]) / 2, width: -1 };
  for (let i = 0; i + 1 < hits.length; i += 2) {
    if (hits[i + 1] - hits[i] > best.width) best = { x: (hits[i] + hits[i + 1]) / 2, width: hits[i + 1] - hits[i] };
  }
  return { x: best.x, y };
}
