// Days as people read them: without a year only where it is this one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { day, when } from "../../gis_api/static/js/config.js";

const THIS_YEAR = new Date().getFullYear();

test("a day of this year is told without it", () => {
  assert.equal(day(new Date(THIS_YEAR, 10, 30, 9, 5)), "11-30");
  assert.equal(when(new Date(THIS_YEAR, 0, 2, 9, 5)), "01-02 09:05");
});

test("a day of another year is told with it", () => {
  assert.equal(day(new Date(THIS_YEAR - 1, 11, 1, 4, 39)), `${THIS_YEAR - 1}-12-01`);
  assert.equal(when(new Date(THIS_YEAR + 1, 0, 1)), `${THIS_YEAR + 1}-01-01 00:00`);
});

test("what has not happened has no time", () => assert.equal(when(null), "—"));
