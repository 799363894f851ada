// A line through the selected grid makes two of it.
import { pieceOf } from "../cutting.js";
import { splittingObstacle } from "../obstacles.js";
import { Drawn } from "./drawn.js";

export class Split extends Drawn {
  static name = "split";
  static key = "x";
  static picture = "M6 3l8 14M14 3L6 17M4.500 15a2.500 2.500 0 1 0 .1 0M15.500 15a2.500 2.500 0 1 0 .1 0";
  static needed = 1;
  static keeps = true;

  foreseen(places) {
    const [code] = this.editor.selected;
    const piece = pieceOf(this.editor.tiling, this.editor.tiling.shapes.get(code), places);
    return piece && this.editor.balance.parted(code, piece, places);
  }

  obstacle(places) {
    return splittingObstacle(this.editor.tiling, this.editor.selected[0], places);
  }

  drawn(line, corners) {
    this.send({ op: "split", code: this.editor.selected[0], line }, corners);
  }
}
