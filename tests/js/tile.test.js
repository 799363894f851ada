import assert from "node:assert/strict";
import { test } from "node:test";
import { layersOf } from "../../gis_api/static/js/map/tile.js";

// The format by hand: a field is its number and kind, then a number, or a length and bytes.
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(Math.floor(n / 128))]);
const field = (number, kind, ...bytes) => [...varint(number * 8 + kind), ...bytes];
const bytesOf = (number, bytes) => field(number, 2, ...varint(bytes.length), ...bytes);
const text = (number, words) => bytesOf(number, [...new TextEncoder().encode(words)]);
const zigzag = (n) => (n < 0 ? -2 * n - 1 : 2 * n);

const double = (n) => [...new Uint8Array(new Float64Array([n]).buffer)];
const area = [9, zigzag(5), zigzag(5), 18, zigzag(10), zigzag(0), zigzag(0), zigzag(-7), 15];
const line = [9, zigzag(-3), zigzag(2), 10, zigzag(4000), zigzag(1)];
const feature = (type, geometry, tags) =>
  bytesOf(2, [...bytesOf(2, tags), ...field(3, 0, type), ...bytesOf(4, geometry.flatMap(varint))]);

const tile = new Uint8Array(
  bytesOf(3, [
    ...field(15, 0, 2),
    ...text(1, "roads"),
    ...feature(2, line, [0, 0, 1, 1]),
    ...feature(3, area, [1, 2]),
    ...text(3, "name"),
    ...text(3, "lanes"),
    ...bytesOf(4, text(1, "新华道")),
    ...bytesOf(4, field(6, 0, zigzag(-4))),
    ...bytesOf(4, field(3, 1, ...double(2.5))),
    ...field(5, 0, ...varint(4096)),
  ]),
).buffer;

test("a tile becomes layers with geometries and properties of every kind", () => {
  const { roads } = layersOf(tile);
  assert.equal(roads.extent, 4096);
  const [one, other] = roads.features;
  assert.deepEqual(one.properties, { name: "新华道", lanes: -4 });
  assert.deepEqual(one.geometry, [
    [
      { x: -3, y: 2 },
      { x: 3997, y: 3 },
    ],
  ]);
  assert.equal(other.type, 3);
  assert.deepEqual(other.properties, { lanes: 2.5 });
  assert.deepEqual(other.geometry[0].at(-1), { x: 5, y: 5 }, "a ring ends where it begins");
});

test("an empty tile has no layers, and one that is cut off ends", () => {
  assert.deepEqual(layersOf(new ArrayBuffer(0)), {});
  for (let length = 1; length < tile.byteLength; length += 1) layersOf(tile.slice(0, length));
});
