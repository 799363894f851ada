// The map beside the steps: the boundary of the district and the polygons of the file over it.
import { Painted } from "../map/canvas.js";
import { goTo } from "../map/flash.js";
import { map, show } from "../map/place.js";
import { boxOf } from "../map/world.js";
import { paintShapes, shapeOf } from "../draw/shapes.js";

let frame = [];
let file = [];
const layer = new Painted((context, view) => paintShapes(context, [...frame, ...file], view)).addTo(map);

export function showDistrict(feature) {
  frame = feature?.geometry ? [shapeOf(feature, "chosen")] : [];
  file = [];
  look([feature?.geometry]);
}

// The polygons of a file, with the district so that a wrong place is seen.
export function showFile(features, district) {
  file = features.map((feature) => shapeOf(feature, "plain"));
  look([...features.map((feature) => feature.geometry), district?.geometry]);
}

export function locate(geometry) {
  if (!geometry) return;
  const box = boxOf([geometry]);
  goTo({ bbox: box, point: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] });
}

function look(geometries) {
  const known = geometries.filter(Boolean);
  if (known.length) show(boxOf(known));
  layer.redraw();
}
