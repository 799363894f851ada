// The clock on the wall of the city.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayAfter, hoursOn, momentOf, mondayOf, wallOf } from "../../gis_api/static/js/rosters/wall.js";

const ZONE = "Asia/Shanghai";

test("a moment is told by the clock of the city, and back", () => {
  assert.deepEqual(wallOf(ZONE)("2026-11-29T14:00:00Z"), { day: "2026-11-29", time: "22:00" });
  assert.equal(momentOf(ZONE, "2026-11-29T22:00"), "2026-11-29T14:00:00.000Z");
  assert.equal(momentOf("America/New_York", "2026-03-08T12:00"), "2026-03-08T16:00:00.000Z");
  assert.equal(momentOf("America/New_York", "2026-03-07T12:00"), "2026-03-07T17:00:00.000Z");
});

test("a week begins on its Monday, over the end of a year too", () => {
  assert.deepEqual(["2026-11-29", "2026-11-30", "2027-01-01"].map(mondayOf), [
    "2026-11-23",
    "2026-11-30",
    "2026-12-28",
  ]);
  assert.equal(dayAfter("2026-12-31", 1), "2027-01-01");
});

test("a night stands on both its days, and its end at midnight on the first alone", () => {
  const told = wallOf(ZONE);
  const night = { since: "2026-11-29T14:00:00Z", until: "2026-11-29T22:00:00Z" };
  assert.deepEqual(
    ["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01"].map((day) => hoursOn(told, night, day)),
    [null, "22:00–24:00", "00:00–06:00", null],
  );
  const evening = { since: "2026-11-29T10:00:00Z", until: "2026-11-29T16:00:00Z" };
  assert.deepEqual(
    ["2026-11-29", "2026-11-30"].map((day) => hoursOn(told, evening, day)),
    ["18:00–24:00", null],
  );
});
