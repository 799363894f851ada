// A drawn area goes to the selected grid.
import { givingObstacle } from "../obstacles.js";
import { Drawn } from "./drawn.js";

export class Give extends Drawn {
  static name = "give";
  static key = "g";
  static picture = "M3 5h6v10H3zM11 5h6v10h-6zM6 10h8M12 8l2 2-2 2";
  static draws = "area";
  static needed = 1;
  static keeps = true;

  foreseen(places) {
    return this.editor.balance.taken(places, this.editor.selected[0]);
  }

  obstacle(places) {
    return givingObstacle(this.editor.tiling, this.editor.selected[0], places);
  }

  drawn(geometry, corners) {
    this.send({ op: "give", geometry, to: this.editor.selected[0] }, corners);
  }
}
