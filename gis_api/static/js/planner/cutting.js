// Which ground a drawn line would cut off, for the eye: the server cuts exactly. Places are {x, y} in world units.
import { footOf, rings } from "../model/geometry.js";

// The polygon between a line and the outline of a grid: the piece on one side of it, and beyond the outline what the
// line sticks out. Null where the line misses the grid.
export function pieceOf(tiling, shape, line) {
  const ring = ringBeside(tiling, shape, line[0]);
  if (!ring || line.length < 2) return null;
  const [start, end] = [footOn(ring, line[0]), footOn(ring, line.at(-1))];
  return [start.place, ...line, end.place, ...walk(ring, end, start)];
}

// The ground between the border of two grids and a line that becomes their border. Null where the line leaves it.
export function betweenBorderAnd(tiling, left, right, line) {
  const ring = ringBeside(tiling, left, line[0], right.code);
  if (!ring || line.length < 2) return null;
  const [start, end] = [footOn(ring, line[0]), footOn(ring, line.at(-1))];
  const ways = [walk(ring, end, start), walk(ring, start, end).reverse()];
  const shared = ways.filter((way) => way.every(({ owners }) => owners.has(right.code)));
  if (!shared.length) return null;
  const way = shared.reduce((short, other) => (other.length < short.length ? other : short));
  return [start.place, ...line.slice(1, -1), end.place, ...way];
}

function ringBeside(tiling, shape, place, sharedWith) {
  /** @type {{ring: any[], away: number} | null} */
  let best = null;
  for (const ids of rings(shape)) {
    const ring = ids.map((id) => tiling.points[id]);
    if (sharedWith && !ring.some(({ owners }) => owners.has(sharedWith))) continue;
    const { away } = footOn(ring, place);
    if (!best || away < best.away) best = { ring, away };
  }
  return best?.ring;
}

function footOn(ring, { x, y }) {
  const feet = ring.map((point, edge) => ({ edge, ...footOf(point, ring[(edge + 1) % ring.length], x, y) }));
  const { away, edge, ...place } = feet.reduce((best, foot) => (foot.away < best.away ? foot : best));
  return { away, edge, place };
}

// The vertices of a ring from one place on it forward to another.
function walk(ring, from, to) {
  const way = [];
  if (from.edge === to.edge && ahead(ring[from.edge], from.place, to.place)) return way;
  for (let i = (from.edge + 1) % ring.length, step = 0; step < ring.length; i = (i + 1) % ring.length, step += 1) {
    way.push(ring[i]);
    if (i === to.edge) break;
  }
  return way;
}

const ahead = (start, a, b) => Math.hypot(a.x - start.x, a.y - start.y) <= Math.hypot(b.x - start.x, b.y - start.y);
