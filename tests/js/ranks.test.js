// Who may import whom among the pages' modules: pages never reach into each other, what they share lies below them,
// nothing goes round, and one module is the door to Leaflet.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

const ROOT = new URL("../../gis_api/static/js/", import.meta.url).pathname;
// From above to below; a page's room knows what is below it, and not the other pages.
const RANKS = [
  [
    "centre",
    "figures",
    "grid",
    "heat",
    "home",
    "imports",
    "incident",
    "phone",
    "planner",
    "plans",
    "rosters",
    "standards",
  ],
  ["parts"],
  ["draw"],
  ["model"],
  ["map"],
  [""],
];
const DOOR = "map/leaflet.js";
// The planner's own room from above to below; what is not named here lies at the bottom and knows nothing of the room.
const PLANNER = [
  ["main"],
  ["together"],
  ["editor", "kept"],
  ["tools", "desk", "merge"],
  [
    "dividing",
    "gridcard",
    "household_preview",
    "merge_maps",
    "pieces",
    "repair",
    "scene",
    "sketch",
    "store",
    "toolbar",
  ],
  ["operations"],
  ["fixes", "handles", "household_figures", "patches"],
];

const modules = readdirSync(ROOT, { recursive: true }).filter((name) => name.endsWith(".js"));
const sourceOf = (name) => readFileSync(join(ROOT, name), "utf-8");
const importsOf = (name) =>
  [...sourceOf(name).matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(([, path]) => normalize(join(dirname(name), path)));
const roomOf = (name) => (name.includes("/") ? name.split("/")[0] : "");
const rankOf = (name) => RANKS.findIndex((rooms) => rooms.includes(roomOf(name)));

test("every module stands in a room with a rank", () => {
  assert.deepEqual(
    modules.filter((name) => rankOf(name) < 0),
    [],
  );
});

test("imports go down, and no page reaches into another's room", () => {
  const wrong = modules.flatMap((name) =>
    importsOf(name)
      .filter((other) => roomOf(name) !== roomOf(other) && rankOf(name) >= rankOf(other))
      .map((other) => `${name} -> ${other}`),
  );
  assert.deepEqual(wrong, []);
});

test("imports of the planner's room go down too", () => {
  const shelfOf = (name) => name.split("/")[1].replace(".js", "");
  const levelOf = (name) => {
    const found = PLANNER.findIndex((level) => level.includes(shelfOf(name)));
    return found < 0 ? PLANNER.length : found;
  };
  const wrong = modules
    .filter((name) => roomOf(name) === "planner")
    .flatMap((name) =>
      importsOf(name)
        .filter((other) => roomOf(other) === "planner" && shelfOf(name) !== shelfOf(other))
        .filter((other) => levelOf(name) >= levelOf(other))
        .map((other) => `${name} -> ${other}`),
    );
  assert.deepEqual(wrong, []);
  const named = PLANNER.flat();
  const there = new Set(modules.filter((name) => roomOf(name) === "planner").map(shelfOf));
  assert.deepEqual(
    named.filter((shelf) => !there.has(shelf)),
    [],
  );
});

test("nothing imports itself round a circle", () => {
  const done = new Set();
  const circles = [];
  const walk = (name, way) => {
    if (way.includes(name)) circles.push([...way.slice(way.indexOf(name)), name].join(" -> "));
    else if (!done.has(name)) for (const other of importsOf(name)) walk(other, [...way, name]);
    done.add(name);
  };
  for (const name of modules) walk(name, []);
  assert.deepEqual(circles, []);
});

test("one module is the door to Leaflet", () => {
  const others = modules.filter(
    (name) => name !== DOOR && /(?<![\w.])L\.[A-Za-z]|globalThis\.L\b|window\.L\b/.test(sourceOf(name)),
  );
  assert.deepEqual(others, []);
});

test("every module is checked for its types", () => {
  assert.deepEqual(
    modules.filter((name) => /@ts-(nocheck|ignore|expect-error)/.test(sourceOf(name))),
    [],
  );
});
