// What the hand is doing, as one state machine: nothing, drawing corner by corner, or holding something between press
// and release (a vertex, a brush, a corner of what is being drawn). Whatever may come in between stands in BETWEEN with
// what becomes of it then; whoever hears of such a thing calls `between`, and nobody else ends a gesture but the hand
// itself.

// "back" puts everything back where it was, "undo" takes the last corner back, "redo" brings it again, "keep" lets it
// be, "leave" is for the drawing to say.
const BETWEEN = {
  escape: { holding: "back", drawing: "back" },
  tool: { holding: "back", drawing: "leave" },
  reload: { holding: "back", drawing: "leave" },
  undo: { holding: "back", drawing: "undo" },
  redo: { holding: "back", drawing: "redo" },
  blur: { holding: "back", drawing: "keep" },
  hidden: { holding: "back", drawing: "keep" },
  resize: { holding: "back", drawing: "keep" },
  finger: { holding: "back", drawing: "keep" },
  button: { holding: "back", drawing: "keep" },
  lost: { holding: "back", drawing: "keep" },
  layer: { holding: "back", drawing: "keep" },
  refusal: { holding: "back", drawing: "keep" },
};

export const INTERRUPTIONS = Object.keys(BETWEEN);
// What leaves nothing in the hand at all; everything else concerns what was taken up last.
const ALL = new Set(["tool", "reload"]);

export class Gesture {
  /** @type {{back: () => void} | null} */
  held = null;
  /** @type {{back: () => boolean, undo: () => boolean, redo: () => boolean} | null} */
  drawn = null;

  get state() {
    return this.held ? "holding" : this.drawn ? "drawing" : "idle";
  }

  // Take something up: `back()` puts it where it was. What was held before goes back first.
  hold(back) {
    this.held?.back();
    const held = { back };
    this.held = held;
    return held;
  }

  // The hand lets go by itself: true where it still held this.
  release(held) {
    if (!held || this.held !== held) return false;
    this.held = null;
    return true;
  }

  // A drawing is open: `back`, `undo` and `redo` say by true that there was something to do; null: it is not any more.
  // `leave` says what becomes of it with another tool or another plan: it goes back where nothing else is said.
  draw(drawn) {
    this.drawn = drawn && { leave: drawn.back, ...drawn };
  }

  // Something came in between. True where that was for the hand, and for nobody else any more.
  between(what) {
    const rule = BETWEEN[what];
    if (!rule) throw new Error(`nobody knows what a gesture does at ${what}`);
    const holding = Boolean(this.held);
    if (holding) this.putBack(rule.holding);
    if (holding && !ALL.has(what)) return true;
    return this.turn(rule.drawing) || holding;
  }

  putBack(way) {
    if (way !== "back") return;
    const { held } = this;
    this.held = null;
    held?.back();
  }

  turn(way) {
    return way !== "keep" && Boolean(this.drawn?.[way]());
  }
}
