// From press to release: one pointer carries something over the map. Everything that can come in between ends it by
// `gesture.between`, and what is left of an ended press (its release, its click, its menu) is for nobody.
import { map } from "../map/place.js";

// Within so many pixels a hand that presses is at rest.
const REST_PX = 3;
// So near to the side of the map it moves on, by so much a frame.
const SIDE_PX = 44;
const PAN_PX = 9;

let spent = false;

// After a press that was carried, or put back, no click and no menu follows from it, until a pointer is pressed anew.
for (const name of ["click", "dblclick", "auxclick", "contextmenu"]) {
  addEventListener(
    name,
    (event) => {
      // A click that a key made has no press before it.
      if (!spent || (event instanceof UIEvent && event.detail === 0)) return;
      event.stopPropagation();
      event.preventDefault();
    },
    { capture: true },
  );
}
addEventListener("pointerdown", ({ isPrimary }) => isPrimary && (spent = false), { capture: true });

// `event` is the press. `begin` is called when the pointer leaves its place (false: it cannot be carried), `move` with
// every step, `drop` at the release, `back` where something came in between. `pan`: the map moves on at its sides.
/**
 * @type {(gesture: any, event: PointerEvent, ways: {begin?: () => boolean | void, move: (event: PointerEvent) => void,
 *   drop: (event: PointerEvent) => void, back: (event: PointerEvent) => void, rest?: number, pan?: boolean}) => void}
 */
export function carry(gesture, event, { begin = () => true, move, drop, back, rest = REST_PX, pan = false }) {
  new Carrying(gesture, event, { begin, move, drop, back, rest, pan });
}

class Carrying {
  constructor(gesture, event, ways) {
    this.gesture = gesture;
    this.ways = ways;
    this.begun = false;
    this.last = event;
    this.start = [event.clientX, event.clientY];
    this.pointer = event.pointerId;
    this.mouse = event.pointerType === "mouse";
    // The map itself must not be dragged meanwhile.
    this.steadied = map.dragging.enabled();
    if (this.steadied) map.dragging.disable();
    this.held = gesture.hold(() => this.end("back"));
    this.heard = {
      pointermove: (other) => this.moved(other),
      pointerup: (other) => other.pointerId === this.pointer && this.released(),
      pointercancel: (other) => other.pointerId === this.pointer && gesture.between("lost"),
      pointerdown: (other) => other.pointerId !== this.pointer && gesture.between("finger"),
      contextmenu: (other) => this.menu(other),
    };
    for (const [name, hear] of Object.entries(this.heard)) addEventListener(name, hear, { capture: true });
    if (!ways.rest) this.begin();
  }

  begin() {
    if (this.ways.begin(this.last) === false) {
      this.gesture.release(this.held);
      this.end(null);
      return false;
    }
    this.begun = true;
    if (this.ways.pan) this.panning = requestAnimationFrame(() => this.panOn());
    return true;
  }

  moved(event) {
    if (event.pointerId !== this.pointer) return;
    // A second button is told as a movement; none at all: the release was missed, outside of the window.
    if (this.mouse && event.buttons !== 1) {
      this.gesture.between(event.buttons ? "button" : "lost");
      return;
    }
    this.last = event;
    const away = Math.hypot(event.clientX - this.start[0], event.clientY - this.start[1]);
    if (!this.begun && (away < this.ways.rest || !this.begin())) return;
    this.ways.move(event);
  }

  // A long press of a finger that rests is a menu; in a hand that carries it is another button.
  menu(event) {
    if (!this.begun && !this.mouse) {
      this.gesture.release(this.held);
      this.end(null);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.gesture.between("button");
  }

  released() {
    const mine = this.gesture.release(this.held);
    this.end(mine && this.begun ? "drop" : null);
  }

  end(way) {
    for (const [name, hear] of Object.entries(this.heard)) removeEventListener(name, hear, { capture: true });
    if (this.panning) cancelAnimationFrame(this.panning);
    if (this.steadied) map.dragging.enable();
    spent ||= way === "back" || this.begun;
    if (way && (this.begun || way === "drop")) this.ways[way](this.last);
  }

  panOn() {
    const { left, top, right, bottom } = map.getContainer().getBoundingClientRect();
    const { clientX: x, clientY: y } = this.last;
    const side = (near, far) => (near < SIDE_PX ? -PAN_PX : far < SIDE_PX ? PAN_PX : 0);
    /** @type {[number, number]} */
    const by = [side(x - left, right - x), side(y - top, bottom - y)];
    if (by[0] || by[1]) {
      map.panBy(by, { animate: false });
      this.ways.move(this.last);
    }
    this.panning = requestAnimationFrame(() => this.panOn());
  }
}

// What the page itself can bring in between; keys, tools and edits say so where they are heard.
export function watchBetween(gesture) {
  addEventListener("blur", () => gesture.between("blur"));
  addEventListener("pagehide", () => gesture.between("hidden"));
  document.addEventListener("visibilitychange", () => document.hidden && gesture.between("hidden"));
  map.on("resize", () => gesture.between("resize"));
  addEventListener("resize", () => gesture.between("resize"));
}
