// Drawing a line or an area by clicks. Ends and corners snap (snap.js) unless Alt is held; a double click or Enter
// ends, Backspace and Ctrl+Z take the last corner back, Ctrl+Y brings it again, a corner can be dragged, Escape gives
// up. A drawing that was refused is taken up again as it was, so that the one corner can be mended.
import { map } from "../map/place.js";
import { union } from "./household_figures.js";
import { carry } from "./carrying.js";
import { boxOf } from "./extent.js";
import { paintSnap, WORD_PX } from "./marks.js";
import { POINT_PX } from "./snap.js";
import { pointOf } from "../map/leaflet.js";

// A corner is taken by mouse or finger within so many pixels.
const GRIP_PX = { mouse: 8, pen: 10, touch: 20 };

export class Sketch {
  constructor(snapper, gesture, changed) {
    this.snapper = snapper;
    this.gesture = gesture;
    this.changed = changed;
    this.corners = [];
    this.taken = [];
    this.kind = null;
    this.pointer = null;
    map.on("mousemove", (event) => this.hover(event));
    map.on("dblclick", () => this.kind && this.finish());
  }

  start(kind, done) {
    this.kind = kind;
    this.done = done;
    this.corners = [];
    this.taken = [];
    map.doubleClickZoom.disable();
    map.getContainer().classList.add("drawing");
    this.gesture.draw({ back: () => this.restart(), undo: () => this.takeBack(), redo: () => this.bringAgain() });
    this.changed();
  }

  stop() {
    if (!this.kind) return;
    this.kind = null;
    this.corners = [];
    this.taken = [];
    this.pointer = null;
    map.doubleClickZoom.enable();
    map.getContainer().classList.remove("drawing");
    this.gesture.draw(null);
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
      this.taken = [];
      this.changed();
    }
  }

  hover(event) {
    if (!this.kind || this.gesture.held) return;
    this.pointer = this.snapper.find(event.latlng, { free: event.originalEvent.altKey });
    this.changed();
  }

  // A corner that is pressed can be dragged elsewhere.
  press(event) {
    if (!this.kind || event.button !== 0 || !event.isPrimary) return;
    const at = this.cornerAt(map.mouseEventToContainerPoint(event), GRIP_PX[event.pointerType] ?? GRIP_PX.mouse);
    if (at < 0) return;
    const before = this.corners[at];
    const put = (corner) => {
      this.corners[at] = corner;
      this.pointer = null;
      this.changed();
    };
    carry(this.gesture, event, {
      pan: true,
      move: (other) => put(this.snapper.find(map.mouseEventToLatLng(other), { free: other.altKey })),
      drop: () => this.changed(),
      back: () => put(before),
    });
  }

  cornerAt(pixel, reach) {
    const away = this.corners.map((corner) => pixel.distanceTo(pixelOf(corner)));
    const nearest = away.indexOf(Math.min(...away));
    return away[nearest] <= reach ? nearest : -1;
  }

  // Enter ends, Backspace takes the last corner back: true where the key meant something.
  key(event) {
    if (!this.kind) return false;
    if (event.key === "Enter") this.finish();
    else if (event.key === "Backspace") this.takeBack();
    else return false;
    return true;
  }

  takeBack() {
    if (!this.corners.length) return false;
    this.taken.push(this.corners.pop());
    this.changed();
    return true;
  }

  bringAgain() {
    // While something is drawn the key is for the drawing, also where nothing was taken back.
    if (!this.taken.length) return this.corners.length > 0;
    this.corners.push(this.taken.pop());
    this.changed();
    return true;
  }

  // Begin again; false where nothing was drawn yet.
  restart() {
    const begun = this.corners.length > 0;
    this.corners = [];
    this.taken = [];
    this.pointer = null;
    this.changed();
    return begun;
  }

  // Take up what was finished and came to nothing, unless something else was begun meanwhile.
  takeUp(kind, corners) {
    if (this.kind !== kind || this.corners.length) return;
    this.corners = corners;
    this.changed();
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
    const { corners, kind } = this;
    const line = corners.map((corner) => corner.stored);
    this.corners = [];
    this.taken = [];
    // A finger that was lifted points nowhere; a mouse says anew where it is.
    this.pointer = null;
    this.changed();
    const area = { type: "Polygon", coordinates: [[...line, line[0]]] };
    this.done(kind === "area" ? area : { type: "LineString", coordinates: line }, corners);
  }

  paint(context, view, accent) {
    const corners = this.places;
    if (!this.kind || !corners.length) return;
    /** @type {(at: {x: number, y: number}) => [number, number]} */
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

function pixelOf({ x, y }) {
  const scale = 2 ** map.getZoom();
  return map.layerPointToContainerPoint(pointOf(x * scale, y * scale).subtract(map.getPixelOrigin()));
}

function distance(a, b) {
  const scale = 2 ** map.getZoom();
  return Math.hypot(a.x - b.x, a.y - b.y) * scale;
}
