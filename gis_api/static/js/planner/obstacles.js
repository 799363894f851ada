// What the service would refuse, said while it is being drawn: the code of its error, null where nothing stands against
// it. Pure functions of the tiling and of places {x, y} in world units; tests/fixtures/obstacles.json holds the cases
// that the service's own geometry is asked as well. It stays the judge: nothing is kept from it, and it may refuse
// more.
import { inside, meets, rings, within } from "../model/geometry.js";

// So far (in world units, a hundredth of a metre at the equator) does the service take an end for being on a border.
const ON = 6.4e-8;

// A vertex that was moved for the eye (tiling.nudge), `bent` where a pulled midpoint became it.
export function movingObstacle(tiling, id, bent = false) {
  if (bent ? isOnFixedBorder(tiling, id) : tiling.fixed.has(id)) return "frame_vertex";
  const { points } = tiling;
  const moved = points[id];
  const mine = edgesAt(tiling, id);
  const box = boxOf([moved, ...[...mine].map((other) => points[other])]);
  for (const shape of tiling.shapes.values()) {
    if (shape.level === "overlay" || !meets(shape.box, box)) continue;
    if (!moved.owners.has(shape.code) && inside(tiling, shape, moved.x, moved.y)) return "would_break";
    for (const other of mine) if (isCrossed(tiling, shape, { id, other })) return "would_break";
  }
  return null;
}

function edgesAt(tiling, id) {
  const ends = new Set();
  for (const code of tiling.points[id].owners) {
    for (const ring of rings(tiling.shapes.get(code))) {
      ring.forEach((point, i) => {
        if (point !== id) return;
        ends.add(ring[(i + 1) % ring.length]);
        ends.add(ring[(i + ring.length - 1) % ring.length]);
      });
    }
  }
  return ends;
}

// Whether an edge of the shape meets the moved edge, other than at the ends that they share.
function isCrossed(tiling, shape, { id, other }) {
  const [moved, end] = [tiling.points[id], tiling.points[other]];
  if (moved.x === end.x && moved.y === end.y) return false;
  for (const ring of rings(shape)) {
    for (let i = 0; i < ring.length; i += 1) {
      const [a, b] = [ring[i], ring[(i + 1) % ring.length]];
      if (a === id || b === id) continue;
      const [p, q] = [tiling.points[a], tiling.points[b]];
      if (a === other || b === other) {
        if (foldedBack(end, moved, a === other ? q : p)) return true;
      } else if (cross(moved, end, p, q)) return true;
    }
  }
  return false;
}

// Whether both edges leave their common end in one direction.
const foldedBack = (end, one, two) =>
  turn(end, one, two) === 0 && (one.x - end.x) * (two.x - end.x) + (one.y - end.y) * (two.y - end.y) > 0;

// Whether a pulled midpoint lies on a border that stands still: a single grid has it, or grids of several communities.
function isOnFixedBorder(tiling, id) {
  const owners = [...tiling.points[id].owners].map((code) => tiling.shapes.get(code));
  const grids = owners.filter((shape) => shape?.level === "grid");
  return grids.length === 1 || new Set(grids.map(({ parent }) => parent)).size > 1;
}

// A line must run from border to border of the grid, and part it.
export function splittingObstacle(tiling, code, line) {
  const outlines = outlinesOf(tiling, tiling.shapes.get(code));
  if ([line[0], line.at(-1)].some((end) => isWithin(outlines, end) && awayFrom(outlines, end) > ON))
    return "line_does_not_cross";
  return parts(outlines, line) ? null : "line_does_not_cross";
}

// A line may begin and end on the border between the two, or on the outline of both together.
export function redrawingObstacle(tiling, [left, right], line) {
  const both = [left, right].map((code) => tiling.shapes.get(code));
  const shared = tiling.arcs.filter(({ owners }) => owners.includes(left) && owners.includes(right));
  if (!shared.length) return "not_neighbours";
  if (both[0].parent !== both[1].parent) return "frame_vertex";
  const outlines = both.map((shape) => outlinesOf(tiling, shape));
  const all = outlines.flat();
  const inBoth = (place) => outlines.some((outline) => isWithin(outline, place));
  const loose = (place) => inBoth(place) && awayFrom(all, place) > ON;
  if (loose(line[0]) || loose(line.at(-1))) return "line_does_not_cross";
  return runsOf(all, line).some(({ middle }) => inBoth(middle)) ? null : "line_does_not_cross";
}

// Grids that become one hang together by borders and lie in one community.
export function mergingObstacle(tiling, codes) {
  const shapes = codes.map((code) => tiling.shapes.get(code));
  if (shapes.some((shape) => !shape)) return null;
  if (new Set(shapes.map((shape) => communityOf(tiling, shape))).size > 1) return "not_nested";
  const most = Math.max(...shapes.map(({ polygons }) => polygons.length));
  const alone = new Map(codes.map((code) => [code, code]));
  const root = (code) => (alone.get(code) === code ? code : root(alone.get(code)));
  for (const { owners } of tiling.arcs) {
    const mine = owners.filter((code) => alone.has(code));
    for (const code of mine.slice(1)) alone.set(root(code), root(mine[0]));
  }
  return new Set(codes.map(root)).size > most ? "not_neighbours" : null;
}

const communityOf = (tiling, shape) =>
  shape.level === "sub_grid" ? tiling.shapes.get(shape.parent)?.parent : shape.parent;

// An area that crosses itself is none. Given to a grid it may not reach into another community.
export function areaObstacle(drawn) {
  // The pointer rests on the corner that was clicked last, or closes the area at its first one.
  const corners = drawn.filter(({ x, y }, i) => Math.hypot(x - drawn.at(i - 1).x, y - drawn.at(i - 1).y) > ON);
  for (let i = 0; i < corners.length; i += 1) {
    for (let j = i + 2; j < corners.length; j += 1) {
      const next = (j + 1) % corners.length;
      if (next !== i && cross(corners[i], corners[i + 1], corners[j], corners[next])) return "invalid_shape";
    }
  }
  return null;
}

export function givingObstacle(tiling, to, corners) {
  const crossed = areaObstacle(corners);
  if (crossed) return crossed;
  const community = communityOf(tiling, tiling.shapes.get(to));
  const box = boxOf(corners);
  const other = tiling.ofLevel("grid").filter((shape) => shape.parent !== community && meets(shape.box, box));
  return other.some((shape) => reaches(tiling, shape, corners)) ? "not_nested" : null;
}

// Whether an area holds some ground of a grid, more than the borders that both run along.
function reaches(tiling, shape, corners) {
  const outlines = outlinesOf(tiling, shape);
  const area = [corners];
  const runs = runsOf(outlines, [...corners, corners[0]]);
  const deep = ({ middle }) => isWithin(outlines, middle) && awayFrom(outlines, middle) > ON;
  const held = (place) => isWithin(area, place) && awayFrom(area, place) > ON;
  return runs.some(deep) || outlines.some((ring) => ring.some(held));
}

const outlinesOf = (tiling, shape) => [...rings(shape)].map((ring) => ring.map((id) => tiling.points[id]));

// Whether a line parts what lies between outlines: some run of it inside joins outlines that hung together already.
function parts(outlines, line) {
  const root = outlines.map((_, i) => i);
  const find = (i) => (root[i] === i ? i : find(root[i]));
  for (const { middle, from, to } of runsOf(outlines, line)) {
    if (from === null || to === null || !isWithin(outlines, middle) || awayFrom(outlines, middle) <= ON) continue;
    if (find(from) === find(to)) return true;
    root[find(from)] = find(to);
  }
  return false;
}

// The stretches of a line between the places where it meets outlines: {from, to: which outline, null at a loose end,
// middle: a place on it}.
function runsOf(outlines, line) {
  const runs = [];
  let from = outlineAt(outlines, line[0]);
  let longest = { length: 0, middle: line[0] };
  const end = (to) => {
    if (longest.length > 0) runs.push({ from, to, middle: longest.middle });
    from = to;
    longest = { length: 0, middle: null };
  };
  for (let i = 1; i < line.length; i += 1) {
    const [p, q] = [line[i - 1], line[i]];
    const stops = [{ share: 0, on: null }, ...meetings(outlines, p, q), { share: 1, on: null }];
    for (let k = 1; k < stops.length; k += 1) {
      const share = (stops[k - 1].share + stops[k].share) / 2;
      const length = (stops[k].share - stops[k - 1].share) * Math.hypot(q.x - p.x, q.y - p.y);
      if (length > longest.length) longest = { length, middle: along(p, q, share) };
      if (stops[k].on !== null) end(stops[k].on);
    }
  }
  end(outlineAt(outlines, line.at(-1)));
  return runs;
}

const along = (p, q, share) => ({ x: p.x + (q.x - p.x) * share, y: p.y + (q.y - p.y) * share });

function meetings(outlines, p, q) {
  const found = [];
  const box = boxOf([p, q]);
  outlines.forEach((ring, on) => {
    for (let i = 0; i < ring.length; i += 1) {
      const [a, b] = [ring[i], ring[(i + 1) % ring.length]];
      if (!meets(boxOf([a, b]), box)) continue;
      const share = shareAt(p, q, a, b);
      if (share !== null) found.push({ share, on });
    }
  });
  return found.sort((one, other) => one.share - other.share);
}

// How far along the first stretch it meets the second one; null where it does not, or runs along it.
function shareAt(p, q, a, b) {
  const [dx, dy, ex, ey] = [q.x - p.x, q.y - p.y, b.x - a.x, b.y - a.y];
  const by = dx * ey - dy * ex;
  if (by === 0) return null;
  const share = ((a.x - p.x) * ey - (a.y - p.y) * ex) / by;
  const other = ((a.x - p.x) * dy - (a.y - p.y) * dx) / by;
  return share >= 0 && share <= 1 && other >= 0 && other <= 1 ? share : null;
}

function outlineAt(outlines, place) {
  const on = outlines.findIndex((ring) => awayFrom([ring], place) <= ON);
  return on < 0 ? null : on;
}

function awayFrom(outlines, { x, y }) {
  let best = Infinity;
  for (const ring of outlines) {
    for (let i = 0; i < ring.length; i += 1) {
      const [p, q] = [ring[i], ring[(i + 1) % ring.length]];
      const [dx, dy] = [q.x - p.x, q.y - p.y];
      const share = Math.max(0, Math.min(1, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)));
      best = Math.min(best, Math.hypot(p.x + share * dx - x, p.y + share * dy - y));
    }
  }
  return best;
}

function isWithin(outlines, { x, y }) {
  let odd = false;
  for (const ring of outlines) {
    if (!within(boxOf(ring), x, y)) continue;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [p, q] = [ring[i], ring[j]];
      if (p.y > y !== q.y > y && x < ((q.x - p.x) * (y - p.y)) / (q.y - p.y) + p.x) odd = !odd;
    }
  }
  return odd;
}

const turn = (a, b, c) => Math.sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));

function cross(p, q, a, b) {
  const [t1, t2, t3, t4] = [turn(p, q, a), turn(p, q, b), turn(a, b, p), turn(a, b, q)];
  if (t1 * t2 < 0 && t3 * t4 < 0) return true;
  const on = (s, e, c) => within(boxOf([s, e]), c.x, c.y);
  return (
    (t1 === 0 && on(p, q, a)) || (t2 === 0 && on(p, q, b)) || (t3 === 0 && on(a, b, p)) || (t4 === 0 && on(a, b, q))
  );
}

function boxOf(places) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of places) {
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return box;
}
