import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATIONS, drawnBefore, obstacleTo, touchedBy } from "../../gis_api/static/js/planner/operations/registry.js";
import { degrees, read, tilingOf } from "./tilings.js";

const { grids, cases } = read("operations");

const PLACES = ["from", "at", "to"];

// The operation as the page sends it.
function sent(op) {
  const body = { ...op };
  for (const name of PLACES) if (Array.isArray(body[name])) body[name] = degrees(body[name]);
  if (body.line) body.line = { type: "LineString", coordinates: body.line.map(degrees) };
  if (body.geometry) {
    body.geometry = { type: "Polygon", coordinates: [[...body.geometry, body.geometry[0]].map(degrees)] };
  }
  if (body.where) body.where = { type: "Point", coordinates: degrees(body.where) };
  return body;
}

// A closed ring from its smallest place on, without the last.
function turned(ring) {
  const open = ring.slice(0, -1);
  const least = open.reduce((best, place, i) => (before(place, open[best]) ? i : best), 0);
  return [...open.slice(least), ...open.slice(0, least)];
}

const before = (p, q) => p[0] < q[0] || (p[0] === q[0] && p[1] < q[1]);

for (const { op, changed, gone = [], rings = {}, impossible = null } of cases) {
  test(`${JSON.stringify(op)} ${impossible ?? `touches ${[...changed, ...gone]}`}`, () => {
    const tiling = tilingOf(grids);
    assert.equal(obstacleTo(sent(op), tiling), impossible);
    if (impossible) return;
    const touched = touchedBy(sent(op), tiling);
    for (const code of [...changed, ...gone]) assert.ok(touched.includes(code), `${code} in ${touched}`);
    const drawn = drawnBefore(sent(op), tiling);
    if (!Object.keys(rings).length) assert.equal(drawn, null);
    for (const [code, ring] of Object.entries(rings)) {
      const feature = drawn.find((one) => one.properties.code === code);
      assert.deepEqual(turned(feature.geometry.coordinates[0][0]), turned([...ring, ring[0]].map(degrees)));
    }
  });
}

test("every operation is known under its own name, and an unknown one touches nothing", () => {
  for (const [name, one] of OPERATIONS) assert.equal(one.op, name);
  assert.deepEqual(touchedBy({ op: "nonsense", code: "A" }, tilingOf(grids)), []);
  assert.equal(obstacleTo({ op: "nonsense" }, tilingOf(grids)), null);
});
