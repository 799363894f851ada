// Every operation that a planner may send, by its name, and what the page knows of it (effects.js). A new one is a
// module here; tests/fixtures/operations.json tries it on both sides.
import { add } from "./add.js";
import { carve } from "./carve.js";
import { deleteVertex } from "./delete_vertex.js";
import { fillGap } from "./fill_gap.js";
import { give } from "./give.js";
import { insertVertex } from "./insert_vertex.js";
import { merge } from "./merge.js";
import { moveVertex } from "./move_vertex.js";
import { redrawBorder } from "./redraw_border.js";
import { remove } from "./remove.js";
import { reshape } from "./reshape.js";
import { setAttributes } from "./set_attributes.js";
import { split } from "./split.js";

export const OPERATIONS = new Map(
  [
    add,
    carve,
    deleteVertex,
    fillGap,
    give,
    insertVertex,
    merge,
    moveVertex,
    redrawBorder,
    remove,
    reshape,
    setAttributes,
    split,
  ].map((one) => [one.op, one]),
);

const MOST_DRAWN = 40;

// A sub-grid moves with its grid: both go by the grid's code.
export function gridCode(code, tiling) {
  const shape = tiling.shapes.get(code);
  if (shape?.level === "sub_grid" && shape.parent) return shape.parent;
  return /^\d{17}$/.test(code) ? code.slice(0, 15) : code;
}

const codesOf = (op) => (OPERATIONS.get(op.op)?.codes(op) ?? []).filter((code) => typeof code === "string");

// The codes of every grid and sub-grid that an operation is about, as the map is now.
export function touchedBy(op, tiling) {
  const more = OPERATIONS.get(op.op)?.touches(op, tiling) ?? [];
  return [...new Set([...codesOf(op), ...more.filter(Boolean)])];
}

// Why an operation makes no sense any more on the map as it is now (the end of a text's key), or null where it does.
export function obstacleTo(op, tiling) {
  const gone = OPERATIONS.get(op.op)?.gone(op, tiling);
  if (gone) return gone;
  return codesOf(op).every((code) => tiling.shapes.has(code)) ? null : "grid_gone";
}

// The touched grids as they would be, for operations on vertices; null for those that only the service can draw.
export const drawnBefore = (op, tiling) => OPERATIONS.get(op.op)?.preview(op, tiling) ?? null;

// The touched grids as they are now, to show later what an edit was drawn on; none where they are too many to keep.
export function featuresBefore(codes, tiling) {
  const features = codes.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  return features.length > MOST_DRAWN ? [] : features;
}

// What is seen of an operation where its result cannot be drawn: its line, its area, or the way of its vertex.
export const sketchOf = (op) => OPERATIONS.get(op.op)?.sketch(op) ?? null;

// Whether a neighbour may lose contact with a piece of its own by an operation, and with whom that piece goes by
// itself.
export const partsOthers = (op) => OPERATIONS.get(op?.op)?.parting ?? false;
export const takerOf = (op) => OPERATIONS.get(op.op)?.along(op) ?? "new";
