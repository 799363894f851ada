import assert from "node:assert/strict";
import { test } from "node:test";

// The service's word on what is mended how, as a page brings it along.
const rules = {
  repairable: ["overlap", "gap", "nesting", "unmatched_vertex"],
  by_repair_alone: ["nesting", "unmatched_vertex"],
  mended_as_noise: ["unmatched_vertex"],
};
const texts = Object.fromEntries(["repair", "give_to", "new_here"].map((key) => [`planner.${key}`, `${key} {grid}`]));
Object.assign(globalThis, { addEventListener() {}, getComputedStyle: () => ({ getPropertyValue: () => "" }) });
globalThis.document.getElementById = () => ({ textContent: JSON.stringify({ lang: "en", texts, rules }) });
const { fixesOf, isRepairable, PROPOSAL, smallOnes } = await import("../../gis_api/static/js/planner/fixes.js");

const where = {
  type: "Polygon",
  coordinates: [
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ],
  ],
};
const tiling = { gridOf: (code) => code, shapes: new Map([["A", { parent: "P" }]]) };
const operationsOf = (defect, invalid) =>
  fixesOf({ codes: ["A", "B"], where, ...defect }, { tiling, invalid }).map(
    ({ operation }) => operation.op ?? operation,
  );

test("what a repair alone mends is offered as a proposal", () => {
  assert.deepEqual(operationsOf({ kind: "nesting" }), [PROPOSAL]);
});

test("ground is given to either grid, unless nobody can tell the ground of one", () => {
  assert.deepEqual(operationsOf({ kind: "overlap" }), ["give", "give"]);
  assert.deepEqual(operationsOf({ kind: "overlap" }, new Set(["B"])), [PROPOSAL]);
});

test("a gap is filled or becomes a grid, whatever its neighbours are; noise becomes none", () => {
  assert.deepEqual(operationsOf({ kind: "gap", class: "real" }, new Set(["B"])), ["fill_gap", "fill_gap", "add"]);
  assert.deepEqual(operationsOf({ kind: "gap", class: "noise" }), ["fill_gap", "fill_gap"]);
});

test("what is repairable, and what goes with the noise, is what the service says", () => {
  assert.equal(isRepairable({ kind: "gap" }), true);
  assert.equal(isRepairable({ kind: "cut_building" }), false);
  const defects = [
    { kind: "unmatched_vertex" },
    { kind: "gap", class: "noise" },
    { kind: "overlap", class: "sliver" },
    { kind: "cut_building", class: "noise", severity: "warning" },
  ];
  assert.deepEqual(smallOnes({ defects }), { noise: 2, sliver: 1 });
});
