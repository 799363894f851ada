// An overlay: a dedicated grid drawn freely over the others; it takes nothing from anybody.
import { Drawn } from "./drawn.js";

export class Overlay extends Drawn {
  static name = "overlay";
  static key = "o";
  static picture = "M3 7l7-4 7 4-7 4zM3 10l7 4 7-4M3 13l7 4 7-4";
  static draws = "area";

  start() {
    this.editor.showOverlays();
  }

  async drawn(geometry) {
    const { editor } = this;
    const name = await editor.desk.askName("overlay");
    if (name === null) return;
    const answer = await editor.apply({ op: "add", geometry, name, kind: "dedicated", exclusive: false });
    const made = answer?.changed.find(({ properties }) => !properties.exclusive);
    if (made) editor.choose(made.properties.code);
  }
}
