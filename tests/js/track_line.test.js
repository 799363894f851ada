import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted } from "../../gis_api/static/js/phone/track_line.js";

const at = (lon, lat) => ({ lon, lat });

test("a track is north up, true to scale, within its picture, a line a part", () => {
  const { width, height, lines } = fitted([
    { points: [at(118.2, 39.65), at(118.2, 39.66), at(118.213, 39.66)] },
    { points: [at(118.213, 39.65)] },
  ]);
  assert.equal(lines.length, 2);
  const [south, north, east] = lines[0].split(" ").map((pair) => pair.split(",").map(Number));
  assert.ok(south[1] > north[1] && east[0] > north[0]);
  const metres = [0.01 * 111_320, 0.013 * 111_320 * Math.cos((39.65 * Math.PI) / 180)];
  assert.ok(Math.abs((south[1] - north[1]) / (east[0] - north[0]) - metres[0] / metres[1]) < 0.01);
  for (const [x, y] of [south, north, east]) assert.ok(x >= 0 && x <= width && y >= 0 && y <= height);
});

test("who stood still is in the middle, not spread over the picture", () => {
  const { width, lines } = fitted([{ points: [at(118.2, 39.65), at(118.20001, 39.65)] }]);
  const xs = lines[0].split(" ").map((pair) => Number(pair.split(",")[0]));
  assert.ok(Math.abs((xs[0] + xs[1]) / 2 - width / 2) < 1 && xs[1] - xs[0] < 30);
});
