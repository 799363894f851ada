import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => name.replace("--", "#") });
globalThis.document.body = {};
const { drawingOf } = await import("../../gis_api/static/js/map/drawing.js");

const told = [
  { name: "parks", style: "area", colour: "park", edge: "" },
  { name: "roads", style: "road", colour: "road", edge: "road-casing" },
  { name: "lamps", style: "dot", colour: "lamp", edge: "halo" },
];
const styleOf = (name, properties, zoom) => {
  const { style } = drawingOf(told).find((one) => one.name === name);
  return typeof style === "function" ? style(properties, zoom) : style;
};

test("layers are drawn as told, in the order told, roads on casings of their own", () => {
  assert.deepEqual(
    drawingOf(told).map(({ name, of }) => [name, of]),
    [
      ["parks", "parks"],
      ["roads casing", "roads"],
      ["roads", "roads"],
      ["lamps", "lamps"],
    ],
  );
});

test("each style takes the colours that its layer says", () => {
  assert.equal(styleOf("parks", {}, 14).fillColor, "#park");
  assert.equal(styleOf("roads", { road_class: "primary" }, 16).color, "#road");
  assert.equal(styleOf("roads casing", { road_class: "primary" }, 16).color, "#road-casing");
  assert.deepEqual(styleOf("roads casing", { road_class: "primary" }, 12), []);
  const [far, near] = [17, 19].map((zoom) => styleOf("lamps", {}, zoom));
  assert.deepEqual([far.fillColor, far.color], ["#lamp", "#halo"]);
  assert.ok(near.radius > far.radius);
});

test("a style that nobody knows is an error and no silence", () => {
  assert.throws(() => drawingOf([{ name: "x", style: "marble", colour: "", edge: "" }]));
});
