import assert from "node:assert/strict";
import { test } from "node:test";
import { isReleased, levelOf, monthsOf, queryOf } from "../../gis_api/static/js/heat/released.js";

test("the months of each layer stand newest first, each once", () => {
  const releases = [
    { layer: "resident_incidents", month: "2026-09", district: "1" },
    { layer: "resident_incidents", month: "2026-10", district: "1" },
    { layer: "resident_incidents", month: "2026-10", district: "2" },
    { layer: "resident_hazards", month: "2026-08", district: "1" },
  ];
  assert.deepEqual(monthsOf(releases), {
    resident_incidents: ["2026-10", "2026-09"],
    resident_hazards: ["2026-08"],
  });
  assert.deepEqual(monthsOf([]), {});
});

test("a level that is too fine becomes the community", () => {
  assert.equal(levelOf("grid"), "community");
  assert.equal(levelOf("500m"), "community");
  assert.equal(levelOf("district"), "district");
});

test("a released layer is asked by its month and by nothing else", () => {
  const words = queryOf({ layer: "resident_incidents", cell: "community", month: "2026-10", per: "change" });
  assert.equal(words.toString(), "layer=resident_incidents&cell=community&month=2026-10");
  assert.ok(isReleased("resident_hazards") && !isReleased("hazards"));
});
