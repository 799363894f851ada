// Households per grid while a border is being moved: buildings of the neighbourhood are counted by their point, in the
// shapes as they are on the screen. The server counts again when the vertex is let go; this is what the eye needs.
import { get } from "../api.js";
import { toWorld, positions } from "../map/world.js";
import { inside, within } from "./tiling.js";

const MARGIN_DEGREES = 0.0006;

export class Balance {
  constructor(tiling) {
    this.tiling = tiling;
    this.buildings = [];
    this.asked = null;
  }

  // Fetch the buildings around a shape; failing that, the tip simply has no figures.
  async around(shape) {
    if (!shape || this.asked === shape.code) return;
    this.asked = shape.code;
    const box = degrees(shape);
    try {
      const list = await get(`/api/v1/buildings?bbox=${box.join()}&limit=2000`);
      if (this.asked === shape.code) this.buildings = list.features.map(weighed).filter((building) => building.households > 0);
    } catch {
      this.buildings = [];
    }
  }

  start(codes) {
    this.before = new Map(codes.map((code) => [code, this.count(code)]));
  }

  // Code -> [before, after]: the stored figure moved by what the buildings say.
  now(codes) {
    if (!this.buildings.length) return new Map();
    return new Map(codes.map((code) => {
      const stored = this.tiling.shapes.get(code)?.properties.households ?? 0;
      return [code, [stored, stored + this.count(code) - (this.before.get(code) ?? 0)]];
    }));
  }

  count(code) {
    const shape = this.tiling.shapes.get(code);
    if (!shape) return 0;
    let sum = 0;
    for (const { x, y, households } of this.buildings) {
      if (within(shape.box, x, y) && inside(this.tiling, shape, x, y)) sum += households;
    }
    return sum;
  }
}

function degrees(shape) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of positions(shape.feature.geometry)) {
    box[0] = Math.min(box[0], lon - MARGIN_DEGREES);
    box[1] = Math.min(box[1], lat - MARGIN_DEGREES);
    box[2] = Math.max(box[2], lon + MARGIN_DEGREES);
    box[3] = Math.max(box[3], lat + MARGIN_DEGREES);
  }
  return box;
}

function weighed(feature) {
  const own = feature.properties.point;
  const corners = own ? [own.coordinates ?? own] : [...positions(feature.geometry)];
  const lon = corners.reduce((sum, corner) => sum + corner[0], 0) / corners.length;
  const lat = corners.reduce((sum, corner) => sum + corner[1], 0) / corners.length;
  const [x, y] = toWorld(lon, lat);
  return { x, y, households: feature.properties.households ?? 0 };
}
