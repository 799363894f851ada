// Drawing a line or an area by clicks. Ends and corners snap (snap.js) unless Alt is held; a double click or Enter ends,
// Backspace takes the last corner back, Escape gives up.
import { map } from "../map/place.js";
import { union } from "./balance.js";
import { boxOf } from "./extent.js";
import { paintSnap, WORD_PX } from "./marks.js";
import { POINT_PX } from "./snap.js";

export class Sketch {
  constructor(snapper, changed) {
    this.snapper = snapper;
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
    const corner = this.snapper.find(event.latlng, { free: event.originalEvent.altKey });
    const last = this.corners.at(-1);
    const first = this.corners[0];
    if (last && distance(corner, last) < 3) return;
    if (this.kind === "area" && this.corners.length > 2 && distance(corner, first) < POINT_PX) this.finish();
    else {
      this.corners.push(corner);
      this.changed();
    }
  }

  hover(event) {
    if (!this.kind) return;
    this.pointer = this.snapper.find(event.latlng, { free: event.originalEvent.altKey });
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
    this.pointer = null;
    this.changed();
    return begun;
  }

  // The corners so far and the pointer's place.
  get places() {
    return this.pointer ? [...this.corners, this.pointer] : this.corners;
  }

  // What is painted of it, in world units, with room for the word of a snap; null where there is nothing.
  get box() {
    const { places, pointer } = this;
    if (!this.kind || !places.length) return null;
    const word = pointer?.snapped ? WORD_PX / 2 ** map.getZoom() : 0;
    return union([boxOf(places), pointer ? [pointer.x, pointer.y, pointer.x + word, pointer.y] : null].filter(Boolean));
  }

  get complete() {
    return Boolean(this.kind) && this.corners.length >= (this.kind === "area" ? 3 : 2);
  }

  finish() {
    if (!this.complete) return;
    const line = this.corners.map((corner) => corner.stored);
    this.finished = this.corners;
    this.corners = [];
    // A finger that was lifted points nowhere; a mouse says anew where it is.
    this.pointer = null;
    this.changed();
    this.done(
      this.kind === "area"
        ? { type: "Polygon", coordinates: [[...line, line[0]]] }
        : { type: "LineString", coordinates: line },
    );
  }

  paint(context, view, accent) {
    const corners = this.places;
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
    for (const corner of this.corners) dot(context, place(corner), accent);
    if (this.pointer) paintSnap(context, place(this.pointer), this.pointer, accent);
  }
}

function dot(context, [x, y], accent) {
  context.beginPath();
  context.arc(x, y, 3.5, 0, 2 * Math.PI);
  context.fillStyle = accent;
  context.fill();
}

function distance(a, b) {
  const scale = 2 ** map.getZoom();
  return Math.hypot(a.x - b.x, a.y - b.y) * scale;
}
