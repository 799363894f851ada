import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, anything, fitting, optionsOf } from "../../gis_api/static/js/parts/repair_rule.js";

const overlap = (id, codes, area_m2, options = ["give:A", "longest_border"]) => ({
  id,
  kind: "overlap",
  class: area_m2 > 10 ? "real" : "sliver",
  codes,
  area_m2,
  options,
});
const OPEN = [
  overlap("1", ["A", "B"], 4),
  overlap("2", ["A", "B"], 40, ["cut_out"]),
  overlap("3", ["B", "C"], 400),
  { ...overlap("4", ["C"], 9, ["allow"]), kind: "multipart" },
];
const ids = (rule) => fitting(OPEN, { ...anything(), ...rule }).map(({ id }) => id);

test("a rule is about a kind, a class, a pair and a size, and about what it can answer", () => {
  assert.deepEqual(ids({}), ["1", "2", "3", "4"]);
  assert.deepEqual(ids({ kind: "overlap", most: "50" }), ["1", "2"]);
  assert.deepEqual(ids({ pair: "A+B" }), ["1", "2"]);
  assert.deepEqual(ids({ class: "real", option: "longest_border" }), ["3"]);
});

test("what is usual is the first of the usual options that a place offers", () => {
  assert.equal(answerOf(OPEN[1], "usual"), "cut_out");
  assert.equal(answerOf(OPEN[0], "usual"), "longest_border");
  assert.equal(answerOf(OPEN[3], "split"), null);
});

test("between two grids either may be named, and over all of them no grid", () => {
  assert.deepEqual(optionsOf(OPEN, anything()), ["usual", "longest_border", "cut_out", "allow", "leave"]);
  assert.deepEqual(optionsOf(OPEN, { ...anything(), pair: "B+C" }), ["usual", "give:A", "longest_border", "leave"]);
  assert.deepEqual(ids({ pair: "A+B", option: "give:A" }), ["1"]);
});

test("what was answered is not answered again, but may be left after all", () => {
  const some = [{ ...OPEN[0], chosen: "longest_border" }, OPEN[2]];
  const of = (rule) => fitting(some, { ...anything(), ...rule }).map(({ id }) => id);
  assert.deepEqual(of({}), ["3"]);
  assert.deepEqual(of({ option: "leave" }), ["1"]);
});
