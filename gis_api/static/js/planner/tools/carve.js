// A new grid: it takes its ground from those below, or, where there is none, ground that belongs to nobody.
import { areaObstacle } from "../obstacles.js";
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

  obstacle(places) {
    return areaObstacle(places);
  }

  async drawn(geometry, corners) {
    const op = overNothing(this.editor.tiling, corners) ? "add" : "carve";
    const name = await this.editor.desk.askName();
    if (name === null) this.takeUp(corners);
    else this.send({ op, geometry, name }, corners);
  }
}

// Whether the drawing lies in a gap altogether.
function overNothing(tiling, corners) {
  const middle = { x: mean(corners.map(({ x }) => x)), y: mean(corners.map(({ y }) => y)) };
  const looked = [
    middle,
    ...corners.map(({ x, y }) => ({ x: x + (middle.x - x) * INWARDS, y: y + (middle.y - y) * INWARDS })),
  ];
  return looked.every(({ x, y }) => !tiling.at(x, y, "grid"));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
