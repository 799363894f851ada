// Shapes of a tiling and places: what lies where, and how far. A shape has its `polygons` (rings of ids of points) and
// its box; places are world pixels at zoom 0.

// The rings of a shape, outer and inner ones; none of a shape that is not there.
export function* rings(shape) {
  if (shape) for (const polygon of shape.polygons) yield* polygon;
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
