import assert from "node:assert/strict";
import { test } from "node:test";
import { toWorld } from "../../gis_api/static/js/map/world.js";
import { areaDrawn } from "../../gis_api/static/js/planner/extent.js";

// A corner of a drawing at metres east and north of a place on the equator, as the sketch has it.
const METRES_A_DEGREE = 111_319.49;
const corner = (east, north) => {
  const [x, y] = toWorld(10 + east / METRES_A_DEGREE, north / METRES_A_DEGREE);
  return { x, y };
};
const drawn = (...places) => places.map(([east, north]) => corner(east, north));
const near = (found, wanted) => assert.ok(Math.abs(found / wanted - 1) < 0.01, `${found} m², not ${wanted}`);

test("the area of a drawing is measured on the ground", () => {
  near(areaDrawn(drawn([0, 0], [100, 0], [100, 100], [0, 100])), 10_000);
});

test("of a drawing that crosses itself what lies inside counts once", () => {
  near(areaDrawn(drawn([0, 0], [100, 100], [100, 0], [0, 100])), 5000);
});
