// An overlay: a dedicated grid drawn freely over the others; it takes nothing from anybody.
import { areaObstacle } from "../obstacles.js";
import { Drawn } from "./drawn.js";

export class Overlay extends Drawn {
  static name = "overlay";
  static key = "o";
  static picture = "M3 7l7-4 7 4-7 4zM3 10l7 4 7-4M3 13l7 4 7-4";
  static draws = "area";

  start() {
    this.editor.layers.tick("overlays");
  }

  obstacle(places) {
    return areaObstacle(places);
  }

  async drawn(geometry, corners) {
    const { editor } = this;
    const name = await editor.desk.askName("overlay");
    if (name === null) {
      this.takeUp(corners);
      return;
    }
    const answer = await this.send({ op: "add", geometry, name, kind: "dedicated", exclusive: false }, corners);
    const made = answer?.changed.find(({ properties }) => !properties.exclusive);
    if (made) editor.choose(made.properties.code);
  }
}
