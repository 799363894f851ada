// The published plan as a line under the draft's, for comparing.
import { getFeatures } from "../api.js";
import { colour } from "../map/colours.js";
import { traceShape } from "./paint.js";
import { levelOf, meets, Tiling } from "./tiling.js";

export class Published {
  constructor(store, changed) {
    this.store = store;
    this.changed = changed;
    this.tiling = null;
    this.wanted = false;
  }

  async show(wanted) {
    this.wanted = wanted;
    if (wanted && !this.tiling) await this.load();
    this.changed();
  }

  async load() {
    const features = await getFeatures(`/api/v1/grids?area=${encodeURIComponent(this.store.plan.district)}&limit=10000`);
    const tiling = new Tiling();
    tiling.add(features.filter((feature) => feature.geometry && levelOf(feature.properties) === "grid"));
    this.tiling = tiling;
  }

  paint(context, view) {
    if (!this.wanted || !this.tiling) return;
    context.beginPath();
    for (const shape of this.tiling.shapes.values()) if (meets(shape.box, view.box)) traceShape(context, this.tiling, shape, view);
    context.strokeStyle = colour("bad");
    context.lineWidth = 4.5;
    context.stroke();
  }
}
