import assert from "node:assert/strict";
import { test } from "node:test";
import {
  areaObstacle,
  givingObstacle,
  mergingObstacle,
  movingObstacle,
  redrawingObstacle,
  splittingObstacle,
} from "../../gis_api/static/js/planner/obstacles.js";
import { degrees, idAt, read, tilingOf, world } from "./tilings.js";

const { tilings, cases } = read("obstacles");

// What the page tells of each operation while it is drawn: a vertex is moved for the eye first.
const TOLD = {
  move_vertex(tiling, { at, to }) {
    const id = idAt(tiling, at);
    tiling.nudge(id, degrees(to));
    return movingObstacle(tiling, id);
  },
  insert_vertex(tiling, { edge, to }) {
    const [a, b] = edge.map((place) => idAt(tiling, place));
    const middle = [0, 1].map((axis) => (edge[0][axis] + edge[1][axis]) / 2);
    const id = tiling.bend(a, b, degrees(middle));
    tiling.nudge(id, degrees(to));
    return movingObstacle(tiling, id, true);
  },
  split: (tiling, { code, line }) => splittingObstacle(tiling, code, line.map(world)),
  redraw_border: (tiling, { left, right, line }) => redrawingObstacle(tiling, [left, right], line.map(world)),
  merge: (tiling, { codes }) => mergingObstacle(tiling, codes),
  carve: (tiling, { area }) => areaObstacle(area.map(world)),
  give: (tiling, { to, area }) => givingObstacle(tiling, to, area.map(world)),
};

for (const one of cases) {
  const { on, op, refused, ...rest } = one;
  test(`${op} ${JSON.stringify(rest)} is told as ${refused}`, () => {
    assert.equal(TOLD[op](tilingOf(tilings[on]), one), refused);
  });
}

test("a pointer that rests on the last corner, or closes the area at the first, makes no area cross itself", () => {
  const corners = [
    [0, 0],
    [2, 0],
    [2, 2],
  ].map(world);
  assert.equal(areaObstacle([...corners, corners[2]]), null);
  assert.equal(areaObstacle([...corners, corners[0]]), null);
});
