// What an edit that is being drawn would do: which households change hands between which grids, how many households and
// buildings and how much ground each grid then has, which buildings a border would cut. Buildings count by their inner
// point in the shapes as they are on the screen; the server counts again when the edit is made, and its word stands.
//
// A forecast is {figures: Map code -> [before, after], fresh: what a new grid would have, moves: [{from, to,
// households, buildings}], cut: Set of buildings}; what a grid has is {households, buildings, area_m2}.
import { areaDrawn, areaOf, areaShared, boxOf } from "./extent.js";
import { Homes } from "./homes.js";
import { inside, meets, rings, within } from "../model/geometry.js";

export class HouseholdFigures {
  /**
   * @param {any} tiling
   * @param {{moving: () => boolean, came: () => void}} told whether a vertex is in the hand; what is to be done when
   *   buildings came late, for what is being drawn
   */
  constructor(tiling, { moving, came }) {
    this.tiling = tiling;
    this.homes = new Homes();
    this.moving = moving;
    this.codes = [];
    this.id = null;
    this.before = null;
    this.homes.came = () => {
      this.lookAgain();
      came();
    };
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
        if (
          !found.has(building) &&
          within(shape.box, building.x, building.y) &&
          inside(this.tiling, shape, building.x, building.y)
        )
          found.set(building, shape.code);
      }
    }
    return found;
  }

  // Remember who lives where before these grids change with a vertex, and how much ground they have. Where the
  // buildings are not here yet they are fetched, and looked at once more as the grids were.
  start(codes, id) {
    Object.assign(this, { codes, id, before: null });
    this.ground = this.groundOf(codes);
    const boxes = this.shapesOf(codes).map(({ box }) => box);
    if (!boxes.length) return;
    const box = union(boxes);
    if (this.homes.knows(box)) this.before = this.owners(this.shapesOf(codes));
    else this.homes.around(box).then(() => this.codes === codes && this.lookAgain());
  }

  // Once the buildings are here that were not when the vertex was taken up.
  lookAgain() {
    const { codes, id, before } = this;
    if (!before && codes.length && this.moving() && this.homes.knows(union(this.shapesOf(codes).map(({ box }) => box))))
      this.look(codes, id);
  }

  look(codes, id) {
    const { x, y } = this.tiling.points[id];
    this.tiling.settle(id);
    this.before = this.owners(this.shapesOf(codes));
    Object.assign(this.tiling.points[id], { x, y });
  }

  groundOf(codes) {
    return new Map(this.shapesOf(codes).map((shape) => [shape.code, areaOf(this.tiling, shape)]));
  }

  // What has changed since; null while the buildings are not here.
  now(codes = this.codes) {
    if (!this.before) return null;
    const ground = new Map([...this.groundOf(codes)].map(([code, now]) => [code, now - (this.ground?.get(code) ?? 0)]));
    return this.told(this.movesBetween(this.before, this.owners(this.shapesOf(codes))), codes, ground);
  }

  // Who changed hands between two looks (owners).
  between(before, after) {
    return this.told(this.movesBetween(before, after), []).moves;
  }

  movesBetween(before, after) {
    const moves = [];
    for (const [building, from] of before) {
      const to = after.get(building) ?? null;
      if (to !== from) moves.push({ building, from, to });
    }
    for (const [building, to] of after) if (!before.has(building)) moves.push({ building, from: null, to });
    return moves;
  }

  // The ground of a polygon (corners in world units) goes to a grid, or to a new one (null); the grids below lose it.
  // Null while the buildings there are not here.
  taken(corners, to) {
    const box = boxOf(corners);
    if (!this.ready(box)) return null;
    const below = this.tiling.ofLevel("grid").filter((shape) => meets(shape.box, box));
    const ground = new Map(to ? [[to, 0]] : []);
    for (const shape of below) {
      const shared = shape.code === to ? 0 : areaShared(this.tiling, shape, corners);
      if (shared > LEAST_M2) ground.set(shape.code, -shared);
    }
    const gained = -sumOf([...ground.values()]) || (to ? 0 : areaDrawn(corners));
    if (to) ground.set(to, gained);
    const owners = this.owners(below);
    const held = [...this.homes.near(box)].filter(({ x, y }) => holds(corners, x, y));
    const moves = held
      .map((building) => ({ building, from: owners.get(building) ?? null, to }))
      .filter(({ from }) => from !== to);
    const fresh = to ? undefined : { ...holding(held), area_m2: gained };
    return { ...this.told(moves, [...ground.keys()], ground), fresh, cut: this.cut(edgesOf(corners)) };
  }

  // Whether the buildings of a box are here; if not they are sent for.
  ready(box) {
    if (this.homes.knows(box)) return true;
    this.homes.around(box);
    return false;
  }

  // A line parts a grid: the piece with fewer households leaves it (null is the new grid).
  parted(code, piece, line) {
    const shape = this.tiling.shapes.get(code);
    if (!this.ready(shape.box)) return null;
    const all = this.owners([shape]);
    const off = [...all.keys()].filter(({ x, y }) => holds(piece, x, y));
    const kept = new Set(off);
    const rest = [...all.keys()].filter((building) => !kept.has(building));
    const lesser = homesIn(off) <= homesIn(rest);
    const leaving = lesser ? off : rest;
    const moves = leaving.map((building) => ({ building, from: code, to: null }));
    const beside = areaShared(this.tiling, shape, piece);
    const lost = lesser ? beside : areaOf(this.tiling, shape) - beside;
    const fresh = { ...holding(leaving), area_m2: lost };
    return { ...this.told(moves, [code], new Map([[code, -lost]])), fresh, cut: this.cutAmong(all, line) };
  }

  // The ground between an old and a new border changes sides.
  swapped(left, right, ground, line) {
    const moves = [];
    const both = this.shapesOf([left, right]);
    if (!this.ready(union(both.map(({ box }) => box)))) return null;
    const all = this.owners(both);
    const [given, got] = both.map((shape) => areaShared(this.tiling, shape, ground));
    const change = new Map([
      [left, got - given],
      [right, given - got],
    ]);
    for (const [building, from] of all) {
      if (holds(ground, building.x, building.y)) moves.push({ building, from, to: from === left ? right : left });
    }
    return { ...this.told(moves, [left, right], change), cut: this.cutAmong(all, line) };
  }

  // Grids become one, which has the smallest of their codes.
  joined(codes, into) {
    const all = this.shapesOf(codes).map(({ code, properties }) => [code, figuresOf(properties)]);
    const total = all.reduce((sum, [, own]) => plus(sum, own), NOTHING);
    return { figures: new Map(all.map(([code, own]) => [code, [own, code === into ? total : NOTHING]])), moves: [] };
  }

  // Painted patches (patches.js) go to a grid.
  handed(patches, to) {
    const gains = new Map([[to, NOTHING]]);
    const moves = new Map();
    for (const { grid: from, households, buildings, area } of patches) {
      const own = { households, buildings, area_m2: area() };
      gains.set(from, plus(gains.get(from) ?? NOTHING, own, -1));
      gains.set(to, plus(gains.get(to), own));
      const move = moves.get(from) ?? { from, to, households: 0, buildings: 0 };
      moves.set(from, { ...move, households: move.households + households, buildings: move.buildings + buildings });
    }
    /** @type {[string, any[]][]} */
    const figures = [...gains].map(([code, more]) => [
      code,
      [figuresOf(this.propertiesOf(code)), plus(figuresOf(this.propertiesOf(code)), more)],
    ]);
    return { figures: new Map(figures), moves: [...moves.values()] };
  }

  propertiesOf(code) {
    return this.tiling.shapes.get(code)?.properties ?? {};
  }

  // `ground` is how much ground each grid gains, in m².
  told(moves, codes, ground = new Map()) {
    const change = new Map(codes.map((code) => [code, { ...NOTHING, area_m2: ground.get(code) ?? 0 }]));
    const pairs = new Map();
    for (const { building, from, to } of moves) {
      if (change.has(from)) change.set(from, plus(change.get(from), holding([building]), -1));
      if (change.has(to)) change.set(to, plus(change.get(to), holding([building])));
      const key = `${from}>${to}`;
      const pair = pairs.get(key) ?? { from, to, households: 0, buildings: 0 };
      pair.households += building.households;
      pair.buildings += 1;
      pairs.set(key, pair);
    }
    const figures = new Map(
      [...change].map(([code, more]) => {
        const stored = figuresOf(this.propertiesOf(code));
        return [code, [stored, plus(stored, more)]];
      }),
    );
    return { figures, moves: [...pairs.values()].sort((a, b) => b.households - a.households) };
  }

  // The buildings that one of these edges (pairs of places) runs through; along a wall is not through.
  cut(edges) {
    const found = new Set();
    for (const [p, q] of edges) {
      const box = [Math.min(p.x, q.x), Math.min(p.y, q.y), Math.max(p.x, q.x), Math.max(p.y, q.y)];
      for (const building of this.homes.near(box))
        if (!found.has(building) && runsThrough(p, q, building)) found.add(building);
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
        for (const other of [ring.at(at - 1), ring[(at + 1) % ring.length]])
          edges.push([this.tiling.points[id], this.tiling.points[other]]);
      }
    }
    return edges;
  }

  shapesOf(codes) {
    return codes.map((code) => this.tiling.shapes.get(code)).filter(Boolean);
  }
}

// Less ground than this is the corner of a drawing that snapped.
const LEAST_M2 = 0.5;
const NOTHING = { households: 0, buildings: 0, area_m2: 0 };

const sumOf = (numbers) => numbers.reduce((total, number) => total + number, 0);
const homesIn = (buildings) => sumOf(buildings.map(({ households }) => households));
const holding = (buildings) => ({ households: homesIn(buildings), buildings: buildings.length, area_m2: 0 });

function figuresOf({ households, buildings, area_m2: area }) {
  return { households: households ?? 0, buildings: buildings ?? 0, area_m2: area ?? 0 };
}

/** @type {(one: any, other: any, sign?: number) => any} */
function plus(one, other, sign = 1) {
  return Object.fromEntries(Object.keys(NOTHING).map((name) => [name, one[name] + sign * other[name]]));
}

// With as much ground on every side: the neighbours' buildings change hands too.
function wider([west, north, east, south]) {
  const [dx, dy] = [east - west, south - north];
  return [west - dx, north - dy, east + dx, south + dy];
}

/** @type {(boxes: any[]) => any} */
export function union(boxes) {
  return boxes.reduce((a, b) => [
    Math.min(a[0], b[0]),
    Math.min(a[1], b[1]),
    Math.max(a[2], b[2]),
    Math.max(a[3], b[3]),
  ]);
}

export function edgesOf(corners, closed = true) {
  return corners
    .slice(closed ? 0 : 1)
    .map((corner, i) => (closed ? [corners.at(i - 1), corner] : [corners[i], corner]));
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
