import assert from "node:assert/strict";
import { test } from "node:test";
import { Gesture, INTERRUPTIONS } from "../../gis_api/static/js/planner/gesture.js";

function working() {
  const gesture = new Gesture();
  const told = [];
  const way =
    (name, meant = true) =>
    () => {
      told.push(name);
      return meant;
    };
  return { gesture, told, way };
}

test("whatever comes in between puts back what is held, once", () => {
  for (const what of INTERRUPTIONS) {
    const { gesture, told, way } = working();
    const held = gesture.hold(way("back"));
    assert.equal(gesture.between(what), true, what);
    assert.deepEqual(told, ["back"], what);
    assert.equal(gesture.state, "idle");
    assert.equal(gesture.release(held), false, "its release is for nobody");
  }
});

test("an idle hand lets everything pass", () => {
  for (const what of INTERRUPTIONS) assert.equal(new Gesture().between(what), false, what);
});

test("undo and redo are for the corners of a drawing, escape and another tool end it, the rest leaves it", () => {
  const expected = { escape: ["back"], tool: ["back"], reload: ["back"], undo: ["undo"], redo: ["redo"] };
  for (const what of INTERRUPTIONS) {
    const { gesture, told, way } = working();
    gesture.draw({ back: way("back"), undo: way("undo"), redo: way("redo") });
    assert.equal(gesture.between(what), what in expected, what);
    assert.deepEqual(told, expected[what] ?? [], what);
  }
});

test("an empty drawing leaves undo to the plan", () => {
  const { gesture, way } = working();
  gesture.draw({ back: way("back", false), undo: way("undo", false), redo: way("redo", false) });
  assert.equal(gesture.between("undo"), false);
});

test("a corner that is carried goes back alone; another tool takes the drawing as well", () => {
  const { gesture, told, way } = working();
  gesture.draw({ back: way("drawing"), undo: way("undo"), redo: way("redo") });
  gesture.hold(way("corner"));
  assert.equal(gesture.between("escape"), true);
  assert.deepEqual(told, ["corner"]);
  assert.equal(gesture.state, "drawing");
  gesture.hold(way("corner"));
  gesture.between("tool");
  assert.deepEqual(told, ["corner", "corner", "drawing"]);
});

test("nobody ends a gesture by a word that is not known", () => {
  assert.throws(() => new Gesture().between("sneeze"), /sneeze/);
});
