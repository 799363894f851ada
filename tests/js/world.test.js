import assert from "node:assert/strict";
import { test } from "node:test";
import { shown, stored } from "../../gis_api/static/js/map/datum.js";
import { allToWorld, boxOf, fromWorld, positions, toWorld } from "../../gis_api/static/js/map/world.js";

const TANGSHAN = [118.18, 39.63];
const PARIS = [2.35, 48.85];

test("a place comes back from every datum to a tenth of a millimetre", () => {
  for (const datum of ["wgs84", "cgcs2000", "gcj02", "bd09"]) {
    for (const [lon, lat] of [TANGSHAN, PARIS]) {
      const [x, y] = stored(datum)(...shown(datum)(lon, lat));
      assert.ok(Math.hypot(x - lon, y - lat) < 1e-8, `${datum}: ${x}, ${y}`);
    }
  }
});

test("a map in GCJ-02 shows a place some hundred metres away, and only in China", () => {
  const [lon, lat] = shown("gcj02")(...TANGSHAN);
  const metres = Math.hypot((lon - TANGSHAN[0]) * 85_700, (lat - TANGSHAN[1]) * 111_000);
  assert.ok(metres > 300 && metres < 800, `${metres} m`);
  assert.deepEqual(shown("gcj02")(...PARIS), PARIS);
});

test("positions on the map are the same one by one and many at once, and come back", () => {
  const [x, y] = toWorld(...TANGSHAN);
  const [xs, ys] = allToWorld([TANGSHAN[0]], [TANGSHAN[1]]);
  assert.ok(Math.hypot(x - xs[0], y - ys[0]) < 1e-9);
  const [lon, lat] = fromWorld(x, y);
  assert.ok(Math.hypot(lon - TANGSHAN[0], lat - TANGSHAN[1]) < 1e-8);
});

test("the box of shapes holds every position, also of collections", () => {
  const line = {
    type: "LineString",
    coordinates: [
      [1, 2],
      [3, 1],
    ],
  };
  const both = { type: "GeometryCollection", geometries: [line, { type: "Point", coordinates: [0, 5] }] };
  assert.deepEqual(boxOf([both]), [0, 1, 3, 5]);
  assert.equal([...positions(null)].length, 0);
});
