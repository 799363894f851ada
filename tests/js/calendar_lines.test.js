// What a year's list of days says, and which of its lines say nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readLines } from "../../gis_api/static/js/home/calendar_lines.js";

test("days off and made-up work days are read in the ways in which they are written", () => {
  const text = "日期,类别\n2027-01-01,休\n2027/2/7 班\n2027年2月9日；放假\n# note\n\n2027-10-09\twork";
  const told = readLines(text, 2027);
  assert.deepEqual(told, { off: ["2027-01-01", "2027-02-09"], work: ["2027-02-07", "2027-10-09"], wrong: [] });
});

test("a day that is not there, another year and an unknown word are told by their line", () => {
  assert.deepEqual(readLines("2027-02-30,休\n2026-01-01,休\n2027-05-01,maybe\n2027-05-01", 2027).wrong, [1, 2, 3, 4]);
});
