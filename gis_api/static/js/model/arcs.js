// Borders as arcs between nodes, each once, however many rings run along it: {points, owners, rank, box}.
//
// The whole of a plan is cut once, with typed arrays (300,000 edges of a district in some 40 ms); an edit cuts anew
// only what its grids have.
import { rings } from "./geometry.js";

const EDGE = 2 ** 26;
const edgeKey = (a, b) => (a < b ? a * EDGE + b : b * EDGE + a);
const isTile = (shape) => shape && shape.level !== "overlay";

// The arcs of all tiles.
export function allArcs(tiling) {
  const tiles = [...tiling.shapes.values()].filter(isTile);
  const edges = new Edges(tiles, tiling.points.length);
  const arcs = [];
  let first = 0;
  tiles.forEach((shape) => {
    for (const ring of rings(shape)) {
      const at = first;
      const open = (step) => !edges.drawn[edges.of[at + step]] && edges.draw(at + step);
      cut(
        ring,
        (point) => edges.degree[point],
        open,
        (points, step) => arcs.push(arcOf(tiling, points, edges.owners(at + step, tiles))),
      );
      first += ring.length;
    }
  });
  return arcs;
}

// The arcs of these tiles only; whoever else shares them is found about their vertices.
export function arcsOf(tiling, codes) {
  const mine = [...codes].map((code) => tiling.shapes.get(code)).filter(isTile);
  const points = new Set(mine.flatMap((shape) => [...rings(shape)].flat()));
  const about = new Set([...points].flatMap((id) => [...tiling.points[id].owners]));
  /** @type {Map<number, Set<number>>} */
  const beside = new Map([...points].map((id) => [id, new Set()]));
  const owners = new Map();
  for (const code of about) {
    if (isTile(tiling.shapes.get(code))) note(tiling.shapes.get(code), points, beside, owners);
  }
  const drawn = new Set();
  const arcs = [];
  for (const shape of mine) {
    for (const ring of rings(shape)) {
      const key = (step) => edgeKey(ring[step], ring[(step + 1) % ring.length]);
      const open = (step) => !drawn.has(key(step)) && drawn.add(key(step));
      cut(
        ring,
        (point) => beside.get(point)?.size ?? 0,
        open,
        (run, step) => arcs.push(arcOf(tiling, run, owners.get(key(step)))),
      );
    }
  }
  return arcs;
}

function note(shape, points, beside, owners) {
  for (const ring of rings(shape)) {
    for (let i = 0; i < ring.length; i += 1) {
      const a = ring[i];
      const b = ring[(i + 1) % ring.length];
      beside.get(a)?.add(b);
      beside.get(b)?.add(a);
      if (!points.has(a) || !points.has(b)) continue;
      const key = edgeKey(a, b);
      if (owners.has(key)) owners.get(key).push(shape.code);
      else owners.set(key, [shape.code]);
    }
  }
}

// The runs of a ring from node to node. `open` claims a step (from vertex `step` to the next); a run whose first step
// is taken was told before, by the other grid along it.
function cut(ring, degree, open, tell) {
  const n = ring.length;
  const start = Math.max(
    0,
    ring.findIndex((point) => degree(point) !== 2),
  );
  let from = start;
  for (let i = 1; i <= n; i += 1) {
    const end = start + i;
    if (degree(ring[end % n]) === 2 && i < n) continue;
    if (open(from % n)) {
      const run = [];
      for (let k = from; k <= end; k += 1) run.push(ring[k % n]);
      for (let k = from + 1; k < end; k += 1) open(k % n);
      tell(run, from % n);
    }
    from = end;
  }
}

function arcOf(tiling, points, owners) {
  const grids = owners.map((code) => tiling.shapes.get(code)).filter((shape) => shape?.level === "grid");
  const parents = new Set(grids.map((shape) => shape.parent));
  let rank = "sub_grid";
  if (grids.length) rank = grids.length === 1 ? "frame" : parents.size > 1 ? "community" : "grid";
  return { points, owners, rank, box: tiling.boxOf(points) };
}

// Every edge once: an open table from the pair of its ends to its number, and chains of owners.
class Edges {
  constructor(tiles, points) {
    let steps = 0;
    for (const shape of tiles) for (const ring of rings(shape)) steps += ring.length;
    this.size = 2 ** Math.ceil(Math.log2(Math.max(16, steps * 1.5)));
    this.low = new Int32Array(this.size).fill(-1);
    this.high = new Int32Array(this.size);
    this.slot = new Int32Array(this.size);
    this.of = new Int32Array(steps);
    this.degree = new Uint8Array(points);
    this.last = new Int32Array(steps).fill(-1);
    this.drawn = new Uint8Array(steps);
    this.before = new Int32Array(steps);
    this.owner = new Int32Array(steps);
    this.count = 0;
    this.fill(tiles);
  }

  fill(tiles) {
    let at = 0;
    tiles.forEach((shape, row) => {
      for (const ring of rings(shape)) {
        for (let i = 0; i < ring.length; i += 1) {
          const edge = this.find(ring[i], ring[i + 1 === ring.length ? 0 : i + 1]);
          this.of[at] = edge;
          this.owner[at] = row;
          this.before[at] = this.last[edge];
          this.last[edge] = at;
          at += 1;
        }
      }
    });
  }

  find(a, b) {
    const low = a < b ? a : b;
    const high = a < b ? b : a;
    const mask = this.size - 1;
    let at = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) & mask;
    at = (at ^ (at >>> 9)) & mask;
    while (this.low[at] !== -1) {
      if (this.low[at] === low && this.high[at] === high) return this.slot[at];
      at = (at + 1) & mask;
    }
    this.low[at] = low;
    this.high[at] = high;
    this.slot[at] = this.count;
    this.degree[a] += 1;
    this.degree[b] += 1;
    this.count += 1;
    return this.count - 1;
  }

  draw(step) {
    this.drawn[this.of[step]] = 1;
    return true;
  }

  // The codes along the edge of a step, in the order of the tiles.
  owners(step, tiles) {
    const found = [];
    for (let at = this.last[this.of[step]]; at >= 0; at = this.before[at]) found.unshift(tiles[this.owner[at]].code);
    return found;
  }
}
