// Drawing a line or an area by clicks. Ends and corners snap to stored vertices and borders, unless Alt is held; a
// double click or Enter ends, Backspace takes the last corner back, Escape gives up.
import { map } from "../map/place.js";
import { fromWorld, storedOf, toWorld } from "../map/world.js";
import { meets } from "./tiling.js";

const VERTEX_PX = 10;
const BORDER_PX = 8;

export class Sketch {
  constructor(tiling, changed) {
    this.tiling = tiling;
    this.changed = changed;
    this.corners = [];
    this.kind = null;
    this.pointer = null;
    map.on("mousemove", (event) => this.hover(event));
    map.on("dblclick", () => this.kind && this.finish());
  }

  start(kind, done) {
    this.kind = kind;
    this.done = done;
    this.corners = [];
    map.doubleClickZoom.disable();
    map.getContainer().classList.add("drawing");
    this.changed();
  }

  stop() {
    this.kind = null;
    this.corners = [];
    this.pointer = null;
    map.doubleClickZoom.enable();
    map.getContainer().classList.remove("drawing");
    this.changed();
  }

  click(event) {
    const corner = this.snapped(event.latlng, event.originalEvent.altKey);
    const last = this.corners.at(-1);
    const first = this.corners[0];
    if (last && distance(corner, last) < 3) return;
    if (this.kind === "area" && this.corners.length > 2 && distance(corner, first) < VERTEX_PX) this.finish();
    else {
      this.corners.push(corner);
      this.changed();
    }
  }

  hover(event) {
    if (!this.kind) return;
    this.pointer = this.snapped(event.latlng, event.originalEvent.altKey);
    this.changed();
  }

  // Enter ends, Backspace takes the last corner back: true where the key meant something.
  key(event) {
    if (!this.kind) return false;
    if (event.key === "Enter") this.finish();
    else if (event.key === "Backspace") {
      this.corners.pop();
      this.changed();
    } else return false;
    return true;
  }

  // Begin again; false where nothing was drawn yet.
  restart() {
    const begun = this.corners.length > 0;
    this.corners = [];
    this.changed();
    return begun;
  }

  get complete() {
    return Boolean(this.kind) && this.corners.length >= (this.kind === "area" ? 3 : 2);
  }

  finish() {
    if (!this.complete) return;
    const line = this.corners.map((corner) => corner.stored);
    this.corners = [];
    this.changed();
    this.done(this.kind === "area" ? { type: "Polygon", coordinates: [[...line, line[0]]] } : { type: "LineString", coordinates: line });
  }

  // The pointer's place as {stored: [lon, lat], x, y (world), snapped}.
  snapped(latlng, free) {
    const stored = storedOf(latlng);
    const [x, y] = toWorld(...stored);
    if (free) return { stored, x, y, snapped: null };
    const scale = 2 ** map.getZoom();
    const reach = VERTEX_PX / scale;
    const near = [x - reach, y - reach, x + reach, y + reach];
    return this.vertexNear(x, y, near, reach) || this.borderNear(x, y, near, BORDER_PX / scale) || { stored, x, y, snapped: null };
  }

  vertexNear(x, y, near, reach) {
    let best = null;
    for (const arc of this.tiling.arcs) {
      if (!meets(arc.box, near)) continue;
      for (const id of arc.points) {
        const point = this.tiling.points[id];
        const away = Math.hypot(point.x - x, point.y - y);
        if (away <= (best?.away ?? reach)) best = { away, point };
      }
    }
    return best && { stored: [best.point.lon, best.point.lat], x: best.point.x, y: best.point.y, snapped: "vertex" };
  }

  borderNear(x, y, near, reach) {
    let best = null;
    for (const arc of this.tiling.arcs) {
      if (!meets(arc.box, near)) continue;
      for (let i = 1; i < arc.points.length; i += 1) {
        const foot = footOf(this.tiling.points[arc.points[i - 1]], this.tiling.points[arc.points[i]], x, y);
        if (foot.away <= (best?.away ?? reach)) best = foot;
      }
    }
    if (!best) return null;
    const [lon, lat] = fromWorld(best.x, best.y);
    return { stored: [Number(lon.toFixed(9)), Number(lat.toFixed(9))], x: best.x, y: best.y, snapped: "border" };
  }

  paint(context, view, accent) {
    const corners = this.pointer ? [...this.corners, this.pointer] : this.corners;
    if (!this.kind || !corners.length) return;
    const place = ({ x, y }) => [x * view.scale - view.x, y * view.scale - view.y];
    context.beginPath();
    corners.forEach((corner, i) => (i ? context.lineTo(...place(corner)) : context.moveTo(...place(corner))));
    if (this.kind === "area") context.closePath();
    context.setLineDash([7, 5]);
    context.lineWidth = 2.5;
    context.strokeStyle = accent;
    context.stroke();
    context.setLineDash([]);
    if (this.kind === "area") {
      context.fillStyle = `${accent}22`;
      context.fill();
    }
    for (const corner of corners) mark(context, place(corner), corner.snapped, accent);
  }
}

export function footOf(p, q, x, y) {
  const [dx, dy] = [q.x - p.x, q.y - p.y];
  const share = Math.max(0, Math.min(1, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)));
  const [footX, footY] = [p.x + share * dx, p.y + share * dy];
  return { x: footX, y: footY, away: Math.hypot(footX - x, footY - y) };
}

function mark(context, [x, y], snapped, accent) {
  context.beginPath();
  if (snapped === "vertex") context.rect(x - 5, y - 5, 10, 10);
  else context.arc(x, y, snapped ? 5 : 3.5, 0, 2 * Math.PI);
  context.fillStyle = snapped ? "#ffffff" : accent;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = accent;
  context.stroke();
}

function distance(a, b) {
  const scale = 2 ** map.getZoom();
  return Math.hypot(a.x - b.x, a.y - b.y) * scale;
}
