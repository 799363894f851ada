import assert from "node:assert/strict";
import { test } from "node:test";
import { measure, number, t } from "../../gis_api/static/js/config.js";

test("marks of a sentence are filled, and those nobody filled stay to be seen", () => {
  assert.equal(t("greeting", { name: "Li" }), "Good morning, Li");
  assert.equal(t("greeting"), "Good morning, {name}");
});

test("a sentence that is not there is an error, not a hole in the page", () => {
  assert.throws(() => t("nobody.wrote.this"), /nobody\.wrote\.this/);
});

test("what is not known is a dash, and a measure has three digits", () => {
  assert.equal(number(null), "—");
  assert.equal(number(1234567), "1,234,567");
  assert.equal(measure(0.123456), "0.123");
  assert.equal(measure(1234.56), "1,235");
});
