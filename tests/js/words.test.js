import assert from "node:assert/strict";
import { test } from "node:test";
import { changeInWords, measure, number, t } from "../../gis_api/static/js/config.js";

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

test("a change has one sign at most, is a share also where it is whole, and does not grow without end", () => {
  const told = [-1, -0.999, -0.004, 0, 0.5, 1, 2, 9.99, 10, 123, null].map((rate) => changeInWords(rate));
  const wanted = ["−100%", "−100%", "0%", "0%", "+50%", "+100%", "+200%", "+999%", "+>999%", "+>999%", "—"];
  assert.deepEqual(told, wanted);
  assert.deepEqual(
    [changeInWords(-1, { up: "▲", down: "▼" }), changeInWords(40, { up: "▲", down: "▼" })],
    ["▼100%", "▲>999%"],
  );
});
