// A new grid: it takes its ground from those below.
import { Drawn } from "./drawn.js";

export class Carve extends Drawn {
  static name = "carve";
  static key = "n";
  static picture = "M4 4h12v9l-5 4H4zM10 7v6M7 10h6";
  static draws = "area";

  async drawn(geometry) {
    const name = await this.editor.desk.askName();
    if (name !== null) this.editor.apply({ op: "carve", geometry, name });
  }
}
