// A line becomes the border between the two selected grids.
import { betweenBorderAnd } from "../cutting.js";
import { redrawingObstacle } from "../obstacles.js";
import { Drawn } from "./drawn.js";

export class Redraw extends Drawn {
  static name = "redraw";
  static key = "b";
  static picture = "M3 17c2-8 4-1 6-6s2-8 8-8M14 12l4 4-2 2-4-4z";
  static needed = 2;
  static many = true;
  static keeps = true;

  foreseen(places) {
    const { tiling, balance, selected } = this.editor;
    const [left, right] = selected.map((code) => tiling.shapes.get(code));
    const ground = betweenBorderAnd(tiling, left, right, places);
    return ground && balance.swapped(left.code, right.code, ground, places);
  }

  obstacle(places) {
    return redrawingObstacle(this.editor.tiling, this.editor.selected, places);
  }

  drawn(line, corners) {
    const [left, right] = this.editor.selected;
    this.send({ op: "redraw_border", left, right, line }, corners);
  }
}
