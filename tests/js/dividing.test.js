// What a planner may ask of a division, and proposals beside each other as rows of figures.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  areaAround,
  areasOf,
  bodyOf,
  gridsIn,
  keptOf,
  wrongIn,
} from "../../gis_api/static/js/planner/dividing/asked.js";
import { areAlike, isEstimated, rowsOf, sortedRemarks } from "../../gis_api/static/js/planner/dividing/figures.js";
import { kindOf } from "../../gis_api/static/js/planner/dividing/picture.js";

const grid = (code, more = {}) => ({ code, name: code, parent: code.slice(0, 12), ...more });
const about = {
  plan: {
    district: "130273",
    district_name: "D",
    areas: { 130273001: "S1", 130273002: "S2", 130273003: "empty", 130273001001: "A", 130273002001: "B" },
  },
  grids: [grid("130273002001001"), grid("130273001001001"), grid("130273001001002"), grid("130273001002001")],
};
const form = {
  area: "130273001001",
  level: "community",
  size: "households",
  households: 300,
  count: 4,
  tolerance: 0.2,
  keep: [],
  start: "fresh",
  weights: "households",
  streetsOnly: false,
  stairwells: false,
  twoLevels: false,
  subHouseholds: 30,
};

test("the areas of a level are those with grids, sorted, with their names", () => {
  assert.deepEqual(areasOf("community", about), [
    ["130273001001", "A"],
    ["130273001002", ""],
    ["130273002001", "B"],
  ]);
  assert.deepEqual(areasOf("subdistrict", about), [
    ["130273001", "S1"],
    ["130273002", "S2"],
  ]);
  assert.deepEqual(areasOf("district", about), [["130273", "D"]]);
  assert.equal(areasOf("grid", about).length, 4);
});

test("a click on a grid means the area of the chosen level around it", () => {
  const [one] = about.grids;
  assert.equal(areaAround(one, "community", about), "130273002001");
  assert.equal(areaAround(one, "subdistrict", about), "130273002");
  assert.equal(areaAround(one, "district", about), "130273");
  assert.equal(areaAround(one, "grid", about), one.code);
  assert.equal(areaAround({ code: "x", parent: null }, "subdistrict", about), null);
  assert.equal(gridsIn("130273001", "subdistrict", about).length, 3);
  assert.deepEqual(gridsIn(null, "community", about), []);
});

test("what cannot be asked is named by its field", () => {
  assert.equal(wrongIn(form), null);
  assert.equal(wrongIn({ ...form, area: null }), "no_area");
  assert.equal(wrongIn({ ...form, households: NaN }), "no_households");
  assert.equal(wrongIn({ ...form, households: -3 }), "no_households");
  for (const count of [0, 2.5, NaN, 30_000]) assert.equal(wrongIn({ ...form, size: "count", count }), "no_count");
  assert.equal(wrongIn({ ...form, twoLevels: true, subHouseholds: 0 }), "no_sub_households");
  assert.equal(wrongIn({ ...form, twoLevels: true, subHouseholds: 300 }), "sub_too_large");
});

test("a form becomes the request: one size, least change only where it is wanted, three proposals", () => {
  const fresh = bodyOf(form);
  assert.equal(fresh.households, 300);
  assert.ok(!("count" in fresh) && !("least_change" in fresh) && !("sub_households" in fresh));
  assert.equal(fresh.profiles.length, 3);
  const other = bodyOf({ ...form, size: "count", start: "least", twoLevels: true, weights: "incidents" });
  assert.ok(other.count === 4 && other.least_change > 0 && other.sub_households === 30 && !("households" in other));
  assert.ok(other.weights.households > 0 && other.weights.incidents > 0);
  const subs = bodyOf({ ...form, level: "grid", area: "130273001001001", twoLevels: true });
  assert.ok(subs.level === "sub_grid" && !("sub_households" in subs));
});

const proposal = (figures, forecast = {}, remarks = []) => ({
  figures: { grids: 4, smallest: 10, largest: 20, cv: 0.1, in_tolerance: 1, buildings_cut: 0, moved: 0.5, ...figures },
  forecast,
  remarks,
});

test("the better of a figure is told, and nothing where all are alike", () => {
  const rows = rowsOf([proposal({ cv: 0.2 }), proposal({ cv: 0.1, moved: 0.7 }), proposal({})], null);
  const row = (name) => rows.find((one) => one.name === name);
  assert.deepEqual(row("cv").best, [1, 2]);
  assert.deepEqual(row("moved").best, [0, 2]);
  assert.deepEqual(row("buildings_cut").best, []);
  assert.deepEqual(row("grids").best, []);
  assert.equal(row("median_m"), undefined);
  assert.equal(row("oversize"), undefined);
});

test("today's figures stand beside, and rare things only where there are some", () => {
  const today = { figures: { grids: 9, cv: 0.4 }, incidents: 5, largest: 3, cv: 0.6, median_m: 80 };
  const rows = rowsOf([proposal({ oversize: 1 }, { incidents: 5, largest: 2, cv: 0.5, median_m: 90 })], today);
  const row = (name) => rows.find((one) => one.name === name);
  assert.deepEqual([row("grids").today, row("cv").today, row("work_cv").today, row("busiest").today], [9, 0.4, 0.6, 3]);
  assert.deepEqual([row("oversize").values, row("oversize").today], [[1], null]);
});

test("remarks about the whole ground are told once, the others with their proposal", () => {
  const [whole, own] = [{ code: "estimated" }, { code: "oversize" }];
  const sorted = sortedRemarks([proposal({}, {}, [whole, own]), proposal({}, {}, [whole])]);
  assert.deepEqual(sorted, { common: [whole], own: [[own], []] });
  assert.ok(isEstimated(sorted.common) && !isEstimated([own]));
});

test("a grid of the small map is within, above or below, or apart from all that", () => {
  const of = (weight, role = "base") => kindOf({ role, weight }, 100, 0.2);
  assert.deepEqual(
    [of(100), of(120), of(121), of(79), of(500, "oversize")],
    ["within", "within", "above", "below", "oversize"],
  );
});

test("proposals that draw the same grids say so", () => {
  const drawn = (x) => ({ grids: { features: [{ geometry: { coordinates: [x] } }] } });
  assert.ok(areAlike([drawn(1), drawn(1)]) && !areAlike([drawn(1), drawn(2)]) && !areAlike([drawn(1)]));
});

test("only grids of the area that would not stay anyway are named as kept", () => {
  const grids = [grid("1"), grid("2", { locked: true }), grid("3", { kind: "dedicated" })];
  assert.deepEqual(keptOf(["1", "2", "3", "4"], grids), ["1"]);
  assert.deepEqual(bodyOf({ ...form, keep: ["1"] }).keep, ["1"]);
  assert.deepEqual(bodyOf({ ...form, level: "grid", keep: ["1"] }).keep, []);
});
