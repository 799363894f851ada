// Short codes by the cases of tests/fixtures/short_codes.json, which the service is held to as well.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ShortCodes } from "../../gis_api/static/js/model/names.js";
import { read } from "./tilings.js";

const CASES = read("short_codes");

function named(plan) {
  const names = new ShortCodes();
  for (const code of plan) names.add(code);
  return names;
}

test("a short code names one grid in its plan", () => {
  for (const { plan, names, gone = {} } of CASES) {
    const made = named(plan);
    for (const [code, name] of Object.entries({ ...names, ...gone })) assert.equal(made.of(code), name);
    assert.equal(new Set(plan.map((code) => made.of(code))).size, plan.length);
  }
});

test("a name becomes short again when the other grid is gone, and stays where codes are told twice", () => {
  const names = named(["130273101202001", "130273102202001", "130273102202001"]);
  assert.equal(names.of("130273101202001"), "101-202-001");
  names.drop("130273102202001");
  names.drop("130273102202001");
  assert.equal(names.of("130273101202001"), "202-001");
});
