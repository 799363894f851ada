// What an edit that is being drawn would do to the households: who changes hands between which grids, how many each then
// has, which buildings a border would cut. Buildings count by their inner point in the shapes as they are on the screen;
// the server counts again when the edit is made, and its word stands.
import { Homes } from "./homes.js";
import { inside, meets, rings, within } from "./tiling.js";

export class Balance {
  constructor(tiling) {
    this.tiling = tiling;
    this.homes = new Homes();
  }

  // Fetch the buildings about these shapes; until they are here there are simply no figures.
  around(shapes) {
    const boxes = shapes.filter(Boolean).map(({ box }) => box);
    return boxes.length ? this.homes.around(wider(union(boxes))) : Promise.resolve();
  }

  // Building -> code of the grid among these in whose present shape it lies.
  owners(shapes) {
    const found = new Map();
    for (const shape of shapes) {
      for (const building of this.homes.near(shape.box)) {
        if (!found.has(building) && within(shape.box, building.x, building.y) && inside(this.tiling, shape, building.x, building.y)) found.set(building, shape.code);
      }
    }
    return found;
  }

  // Remember who lives where before these grids change with a vertex. Where the buildings are not here yet they are
  // fetched, and looked at once more as the grids were.
  start(codes, id) {
    this.codes = codes;
    this.before = null;
    const boxes = this.shapesOf(codes).map(({ box }) => box);
    if (!boxes.length) return;
    const box = union(boxes);
    if (this.homes.knows(box)) this.before = this.owners(this.shapesOf(codes));
    else this.homes.around(box).then(() => this.codes === codes && this.homes.knows(box) && this.look(codes, id));
  }

  look(codes, id) {
    const { x, y } = this.tiling.points[id];
    this.tiling.settle(id);
    this.before = this.owners(this.shapesOf(codes));
    Object.assign(this.tiling.points[id], { x, y });
  }

  // What has changed since: {figures: Map code -> [before, after], moves: [{from, to, households, buildings}]}.
  now(codes = this.codes) {
    if (!this.before) return { figures: new Map(), moves: [], known: false };
    return this.between(this.before, this.owners(this.shapesOf(codes)), codes);
  }

  between(before, after, codes) {
    const moves = [];
    for (const [building, from] of before) {
      const to = after.get(building) ?? null;
      if (to !== from) moves.push({ building, from, to });
    }
    for (const [building, to] of after) if (!before.has(building)) moves.push({ building, from: null, to });
    return { ...this.told(moves, codes), known: before.size + after.size > 0 };
  }

  // The ground of a polygon (corners in world units) goes to a grid, or to a new one (null); the grids below lose it.
  taken(corners, to) {
    const moves = [];
    const below = new Set(to ? [to] : []);
    const box = boxOf(corners);
    const owners = this.owners(this.tiling.ofLevel("grid").filter((shape) => meets(shape.box, box)));
    for (const building of this.homes.near(box)) {
      if (!holds(corners, building.x, building.y)) continue;
      const from = owners.get(building) ?? null;
      if (from) below.add(from);
      if (from !== to) moves.push({ building, from, to });
    }
    return { ...this.told(moves, [...below]), cut: this.cut(edgesOf(corners)) };
  }

  // A line parts a grid: the piece with fewer households leaves it (null is the new grid).
  parted(code, piece, line) {
    const shape = this.tiling.shapes.get(code);
    const all = this.owners([shape]);
    const off = [...all.keys()].filter(({ x, y }) => holds(piece, x, y));
    const kept = new Set(off);
    const rest = [...all.keys()].filter((building) => !kept.has(building));
    const leaving = sum(off) <= sum(rest) ? off : rest;
    const moves = leaving.map((building) => ({ building, from: code, to: null }));
    return { ...this.told(moves, [code]), fresh: sum(leaving), cut: this.cutAmong(all, line) };
  }

  // The ground between an old and a new border changes sides.
  swapped(left, right, ground, line) {
    const moves = [];
    const all = this.owners(this.shapesOf([left, right]));
    for (const [building, from] of all) {
      if (holds(ground, building.x, building.y)) moves.push({ building, from, to: from === left ? right : left });
    }
    return { ...this.told(moves, [left, right]), cut: this.cutAmong(all, line) };
  }

  // Grids become one, which has the smallest of their codes.
  joined(codes, into) {
    const total = this.shapesOf(codes).reduce((all, { properties }) => all + properties.households, 0);
    const figures = new Map(this.shapesOf(codes).map(({ code, properties }) => [code, [properties.households, code === into ? total : 0]]));
    return { figures, moves: [] };
  }

  told(moves, codes) {
    const change = new Map(codes.map((code) => [code, 0]));
    const pairs = new Map();
    for (const { building, from, to } of moves) {
      if (change.has(from)) change.set(from, change.get(from) - building.households);
      if (change.has(to)) change.set(to, change.get(to) + building.households);
      const key = `${from}>${to}`;
      const pair = pairs.get(key) ?? { from, to, households: 0, buildings: 0 };
      pair.households += building.households;
      pair.buildings += 1;
      pairs.set(key, pair);
    }
    const figures = new Map([...change].map(([code, more]) => {
      const stored = this.tiling.shapes.get(code)?.properties.households ?? 0;
      return [code, [stored, stored + more]];
    }));
    return { figures, moves: [...pairs.values()].sort((a, b) => b.households - a.households) };
  }

  // The buildings that one of these edges (pairs of places) runs through; along a wall is not through.
  cut(edges) {
    const found = new Set();
    for (const [p, q] of edges) {
      const box = [Math.min(p.x, q.x), Math.min(p.y, q.y), Math.max(p.x, q.x), Math.max(p.y, q.y)];
      for (const building of this.homes.near(box)) if (!found.has(building) && runsThrough(p, q, building)) found.add(building);
    }
    return found;
  }

  // A line cuts only what stands in the grids that it is drawn for.
  cutAmong(owners, line) {
    return new Set([...this.cut(edgesOf(line, false))].filter((building) => owners.has(building)));
  }

  // The edges that meet in a vertex, as they are on the screen.
  edgesAt(id, codes) {
    const edges = [];
    for (const shape of this.shapesOf(codes)) {
      for (const ring of rings(shape)) {
        const at = ring.indexOf(id);
        if (at < 0) continue;
        for (const other of [ring.at(at - 1), ring[(at + 1) % ring.length]]) edges.push([this.tiling.points[id], this.tiling.points[other]]);
      }
    }
    return edges;
  }

  shapesOf(codes) {
    return codes.map((code) => this.tiling.shapes.get(code)).filter(Boolean);
  }
}

const sum = (buildings) => buildings.reduce((total, { households }) => total + households, 0);

// With as much ground on every side: the neighbours' buildings change hands too.
function wider([west, north, east, south]) {
  const [dx, dy] = [east - west, south - north];
  return [west - dx, north - dy, east + dx, south + dy];
}

export function union(boxes) {
  return boxes.reduce((a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
}

export function edgesOf(corners, closed = true) {
  return corners.slice(closed ? 0 : 1).map((corner, i) => (closed ? [corners.at(i - 1), corner] : [corners[i], corner]));
}

function boxOf(corners) {
  return union(corners.map(({ x, y }) => [x, y, x, y]));
}

export function holds(corners, x, y) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
    const [p, q] = [corners[i], corners[j]];
    if (p.y > y !== q.y > y && x < ((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x) odd = !odd;
  }
  return odd;
}

// Two centimetres of world units in the middle latitudes: a border on a wall is not in the house.
const HAIR = 256 / 2 ** 31;

function runsThrough(p, q, { rings: walls, box }) {
  if (!meets(box, [Math.min(p.x, q.x), Math.min(p.y, q.y), Math.max(p.x, q.x), Math.max(p.y, q.y)])) return false;
  const cuts = [0, 1];
  for (const ring of walls) {
    for (let i = 1; i < ring.length; i += 1) {
      const share = crossing(p, q, ring[i - 1], ring[i]);
      if (share !== null) cuts.push(share);
    }
  }
  cuts.sort((a, b) => a - b);
  // Some stretch between two walls lies inside the house and is longer than a hair.
  const length = Math.hypot(q.x - p.x, q.y - p.y);
  for (let i = 1; i < cuts.length; i += 1) {
    if ((cuts[i] - cuts[i - 1]) * length <= HAIR) continue;
    const middle = (cuts[i] + cuts[i - 1]) / 2;
    if (deepInside(walls, p.x + (q.x - p.x) * middle, p.y + (q.y - p.y) * middle)) return true;
  }
  return false;
}

// Where on p-q the wall a-b crosses it, from 0 to 1; null where it does not.
function crossing(p, q, a, b) {
  const [dx, dy, ex, ey] = [q.x - p.x, q.y - p.y, b.x - a.x, b.y - a.y];
  const across = dx * ey - dy * ex;
  if (across === 0) return null;
  const share = ((a.x - p.x) * ey - (a.y - p.y) * ex) / across;
  const along = ((a.x - p.x) * dy - (a.y - p.y) * dx) / across;
  return share >= 0 && share <= 1 && along >= 0 && along <= 1 ? share : null;
}

function deepInside(walls, x, y) {
  const odd = walls.filter((ring) => holds(ring.slice(0, -1), x, y)).length % 2 === 1;
  return odd && walls.every((ring) => edgesOf(ring, false).every(([a, b]) => away(a, b, x, y) > HAIR));
}

function away(a, b, x, y) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const share = Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(a.x + share * dx - x, a.y + share * dy - y);
}
