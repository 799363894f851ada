// What a tool of the planner is. One module, one class: its name (texts `planner.tool_<name>`, `planner.hint_<name>`,
// `planner.hint_<name>_finger` where keys are named and, where grids must be selected first,
// `planner.hint_<name>_choose`), its key and its picture stand on the class; what it does with pointer and keyboard are
// the methods below. tools/list.js says which tools there are, in order.
//
// The editor calls: start when the tool is chosen, arm whenever selection, plan or zoom changed, click and hover with
// Leaflet's mouse events, press with a pointer's press on the map (a finger too; what follows it is carrying.js), key
// for what no button took, confirm for the button over the map, paint over everything, inHand and paintHand for what
// follows the pointer, stop when another tool is chosen.
import { has, t } from "../../config.js";
import { byTouch } from "../touch.js";

export class Tool {
  static name = "";
  static key = "";
  // A path on a 20 × 20 field, drawn as lines.
  static picture = "";
  // So many grids must be selected before it can begin.
  static needed = 0;
  // Whether a click adds to the selection without Shift, and whether the selection stays when the tool is chosen.
  static many = false;
  static keeps = false;
  // Whether it snaps to buildings and counts them, so that those on the screen are fetched when it is in hand.
  static counts = false;

  constructor(editor) {
    this.editor = editor;
    /** @type {any} what stands on the class: its name, its key, how many grids it needs */
    this.kind = this.constructor;
  }

  get name() {
    return this.kind.name;
  }

  get enough() {
    const { selected, tiling } = this.editor;
    if (!this.kind.needed) return true;
    // Overlays have no border with anybody: they are reshaped and removed, not split or merged.
    const fits = selected.filter((code) => tiling.shapes.get(code)?.level !== "overlay");
    return selected.length === fits.length && fits.length >= this.kind.needed;
  }

  // A vertex that hangs on the pointer: {id, codes}; its edges are painted apart (paintHand).
  /** @returns {{id: number, codes: string[]} | null} */
  get moving() {
    return null;
  }

  start() {}

  stop() {}

  arm() {}

  hint() {
    const key = `planner.hint_${this.name}${this.enough ? "" : "_choose"}`;
    return t(byTouch() && has(`${key}_finger`) ? `${key}_finger` : key);
  }

  click(event) {
    const adding = event.originalEvent.shiftKey || event.originalEvent.ctrlKey || event.originalEvent.metaKey;
    this.editor.choose(this.editor.shapeAt(event.latlng)?.code ?? null, adding || this.kind.many);
  }

  // A drawing has changed: say what it would do (editor.foresee).
  preview() {}

  // True where the tool says itself what lies under the pointer.
  hover() {
    return false;
  }

  // True where the tool says what the vertex under the pointer is.
  hoverVertex() {
    return false;
  }

  press() {}

  // True where the key was meant for the tool.
  /** @type {(event: KeyboardEvent) => boolean} */
  key() {
    return false;
  }

  // The button that does what Enter does, for fingers: {words, act}, or null.
  /** @returns {{words: string, act: () => void} | null} */
  confirm() {
    return null;
  }

  paint() {}

  // The box (world units) of what follows the pointer, null where nothing does, and its painting on a canvas of that
  // size.
  inHand() {
    return null;
  }

  paintHand() {}
}
