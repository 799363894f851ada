// Periods by name: kinds, first days, steps, and the same place in another kind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asKind, firstDay, kindOf, monthToShow, nameOf, step } from "../../gis_api/static/js/figures/periods.js";

const day = (name) => firstDay(name).toISOString().slice(0, 10);

test("a name says its kind and its first day, weeks by ISO 8601", () => {
  assert.deepEqual(["2026-10-03", "2026-W40", "2026-10", "2026"].map(kindOf), ["day", "week", "month", "year"]);
  assert.deepEqual(["2026-10-03", "2026-W40", "2026-10", "2026", "2027-W01", "2026-W53"].map(day), [
    "2026-10-03",
    "2026-09-28",
    "2026-10-01",
    "2026-01-01",
    "2027-01-04",
    "2026-12-28",
  ]);
});

test("a step leads to the next name, over the ends of months and years", () => {
  assert.deepEqual(
    ["2026-12-31", "2026-W53", "2026-12", "2026"].map((name) => step(name, 1)),
    ["2027-01-01", "2027-W01", "2027-01", "2027"],
  );
  for (let name = "2024-W01", n = 0; n < 300; n += 1) {
    const next = step(name, 1);
    assert.equal(step(next, -1), name);
    assert.equal(nameOf("week", firstDay(next)), next);
    name = next;
  }
});

test("another kind keeps the place, and never goes beyond today", () => {
  const today = firstDay("2026-11-30");
  assert.equal(asKind("month", "2026", today), "2026-11");
  assert.equal(asKind("day", "2025-10", today), "2025-10-31");
  assert.equal(asKind("week", "2026-11", today), "2026-W49");
  assert.equal(asKind("year", "2026-W40", today), "2026");
});

test("the month before is shown until this one has had a week", () => {
  assert.equal(monthToShow(firstDay("2026-12-01")), "2026-11");
  assert.equal(monthToShow(firstDay("2026-12-08")), "2026-12");
  assert.equal(monthToShow(firstDay("2027-01-07")), "2026-12");
});
