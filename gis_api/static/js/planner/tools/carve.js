// A new grid: it takes its ground from those below, or, where there is none, ground that belongs to nobody.
import { Drawn } from "./drawn.js";

// So far towards the middle are the corners moved that are looked at: a corner on a border lies on both sides of it.
const INWARDS = 0.02;

export class Carve extends Drawn {
  static name = "carve";
  static key = "n";
  static picture = "M4 4h12v9l-5 4H4zM10 7v6M7 10h6";
  static draws = "area";

  foreseen(places) {
    return this.editor.balance.taken(places, null);
  }

  async drawn(geometry) {
    const op = this.overNothing() ? "add" : "carve";
    const name = await this.editor.desk.askName();
    if (name !== null) this.editor.apply({ op, geometry, name });
  }

  // Whether the drawing lies in a gap altogether; asked while its corners are still there.
  overNothing() {
    const corners = this.sketch.finished;
    const middle = { x: mean(corners.map(({ x }) => x)), y: mean(corners.map(({ y }) => y)) };
    const looked = [
      middle,
      ...corners.map(({ x, y }) => ({ x: x + (middle.x - x) * INWARDS, y: y + (middle.y - y) * INWARDS })),
    ];
    return looked.every(({ x, y }) => !this.editor.tiling.at(x, y, "grid"));
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
