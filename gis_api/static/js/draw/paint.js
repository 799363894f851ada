// Painting a tiling: fills that mean something, borders by rank with a white halo, labels where there is room.
import { colour, FACE, faint } from "../map/colours.js";
import { shortCode } from "../model/names.js";
import { labelOf, meets, rings } from "../model/geometry.js";

// Before these zooms dashes and labels are only noise.
const SUB_GRIDS_FROM = 15;
const LABELS_FROM = 15.5;

// A run of points as a path; points closer than 0.6 px to the last one are left out.
function trace(context, tiling, ids, view, closed) {
  let lastX = NaN;
  let lastY = NaN;
  for (let i = 0; i < ids.length; i += 1) {
    const point = tiling.points[ids[i]];
    const x = point.x * view.scale - view.x;
    const y = point.y * view.scale - view.y;
    if (i === 0) context.moveTo(x, y);
    else if (i < ids.length - 1 && Math.abs(x - lastX) < 0.6 && Math.abs(y - lastY) < 0.6) continue;
    else context.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
  if (closed) context.closePath();
}

export function traceShape(context, tiling, shape, view) {
  for (const ring of rings(shape)) trace(context, tiling, ring, view, true);
}

export function paintFills(context, tiling, view, fillOf) {
  const groups = new Map();
  for (const shape of tiling.shapes.values()) {
    if (shape.level !== "grid" || !meets(shape.box, view.box)) continue;
    const fill = fillOf(shape);
    if (fill) groups.set(fill, [...(groups.get(fill) || []), shape]);
  }
  for (const [fill, shapes] of groups) {
    context.beginPath();
    for (const shape of shapes) traceShape(context, tiling, shape, view);
    context.fillStyle = fill;
    context.fill("evenodd");
  }
}

/**
 * @type {(context: CanvasRenderingContext2D, tiling: any, view: any, how: {subGrids: boolean, without?: any}) => void}
 */
export function paintBorders(context, tiling, view, { subGrids, without }) {
  const ranks = { sub_grid: [], grid: [], community: [], frame: [] };
  for (const arc of tiling.arcs) {
    if (meets(arc.box, view.box)) ranks[arc.rank].push(arc.points);
  }
  const thin = Math.max(0.7, Math.min(2, (view.zoom - 12) * 0.5));
  // Each border is traced once, though it is drawn twice: a district has 100,000 points, and tracing is most of the
  // work.
  const path = (arcs) => {
    const made = new Path2D();
    for (const points of arcs) traceWithout(made, tiling, points, view, without);
    return made;
  };
  const line = (name, width, paths, dash = []) => {
    context.setLineDash(dash);
    context.lineWidth = width;
    context.strokeStyle = colour(name);
    for (const one of paths) context.stroke(one);
  };
  context.lineJoin = "round";
  context.lineCap = "butt";
  if (subGrids && view.zoom >= SUB_GRIDS_FROM) line("sub-grid", 1, [path(ranks.sub_grid)], [4, 3]);
  const [grids, above] = [path(ranks.grid), path([...ranks.community, ...ranks.frame])];
  line("halo", thin + 2.4, [grids, above]);
  line("grid", thin, [grids]);
  line("grid", thin * 1.5 + 0.4, [above]);
  context.setLineDash([]);
}

// Leave out the edges at a vertex that is being moved: they are painted live elsewhere.
function traceWithout(context, tiling, points, view, without) {
  if (without == null || !points.includes(without)) {
    trace(context, tiling, points, view, false);
    return;
  }
  let run = [];
  for (const point of points) {
    if (point === without) {
      if (run.length > 1) trace(context, tiling, run, view, false);
      run = [];
    } else run.push(point);
  }
  if (run.length > 1) trace(context, tiling, run, view, false);
}

export function paintLabels(context, tiling, view, { second, level = "grid" }) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  if (view.zoom < LABELS_FROM) return;
  const taken = [];
  for (const shape of tiling.shapes.values()) {
    if (shape.level !== level || !meets(shape.box, view.box)) continue;
    if ((shape.box[2] - shape.box[0]) * view.scale < 58) continue;
    paintLabel(context, labelOf(tiling, shape), view, shape, second(shape), taken);
  }
}

function paintLabel(context, place, view, shape, words, taken) {
  const x = Math.round(place.x * view.scale - view.x);
  const y = Math.round(place.y * view.scale - view.y);
  const name = shortCode(shape.code);
  context.font = `700 12px ${FACE}`;
  const first = context.measureText(name).width;
  context.font = `400 12px ${FACE}`;
  const width = Math.max(first, context.measureText(words.text).width) + 12;
  const half = words.text ? 17 : 10;
  const box = [x - width / 2, y - half, x + width / 2, y + half];
  if (taken.some((other) => meets(other, box))) return;
  taken.push(box);
  context.fillStyle = faint("paper", 0.92);
  context.beginPath();
  context.roundRect(x - width / 2, y - half, width, 2 * half, 4);
  context.fill();
  context.font = `700 12px ${FACE}`;
  context.fillStyle = colour("ink");
  context.fillText(name, x, words.text ? y - 7.5 : y);
  if (!words.text) return;
  context.font = `${words.strong ? 700 : 400} 12px ${FACE}`;
  context.fillStyle = colour(words.colour);
  context.fillText(words.text, x, y + 8);
}

/**
 * @type {(context: CanvasRenderingContext2D, tiling: any, shapes: any[], view: any, look: {fill?: string, stroke?:
 *   string, width?: number, dash?: number[]}) => void}
 */
export function outline(context, tiling, shapes, view, { fill, stroke, width = 1, dash = [] }) {
  context.beginPath();
  for (const shape of shapes) traceShape(context, tiling, shape, view);
  context.lineJoin = "round";
  context.setLineDash(dash);
  if (fill) {
    context.fillStyle = fill;
    context.fill("evenodd");
  }
  if (stroke) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke();
  }
  context.setLineDash([]);
}
