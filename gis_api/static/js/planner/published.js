// The published plan as a line under the draft's, for comparing; and outlines of what a rebase left to be drawn again.
import { untilThere } from "../again.js";
import { getFeatures } from "../api.js";
import { colour } from "../map/colours.js";
import { paintShapes, shapeOf } from "../draw/shapes.js";
import { traceShape } from "../draw/paint.js";
import { meets } from "../model/geometry.js";
import { Tiling, levelOf } from "../model/tiling.js";

export class Published {
  // `failed` is told why there is nothing to be seen yet.
  constructor(store, { changed, failed }) {
    this.store = store;
    this.changed = changed;
    this.failed = failed;
    this.loading = null;
    this.tiling = null;
    this.wanted = false;
  }

  // Asked for until it is there, or not wanted any more.
  async show(wanted) {
    this.wanted = wanted;
    this.changed();
    if (!wanted || this.tiling || this.loading) return;
    const path = `/api/v1/grids?area=${encodeURIComponent(this.store.plan.district)}&limit=10000`;
    this.loading = untilThere(() => getFeatures(path), { wanted: () => this.wanted, failed: this.failed });
    try {
      this.take(await this.loading);
    } catch (problem) {
      this.failed(problem);
    }
    this.loading = null;
    this.changed();
  }

  take(features) {
    if (!features) return;
    const tiling = new Tiling();
    tiling.add(features.filter((feature) => feature.geometry && levelOf(feature.properties) === "grid"));
    this.tiling = tiling;
  }

  // What was left out by a rebase, as the browser draws it; made anew when the plan says something else.
  leftOut() {
    const told = this.store.plan?.to_redo ?? null;
    if (this.told !== told) {
      this.told = told;
      const features = Object.entries(told ?? {}).map(([code, { name, geometry }]) => ({
        properties: { code, name },
        geometry,
      }));
      this.outlines = features.filter((feature) => feature.geometry).map((feature) => shapeOf(feature, "yours"));
    }
    return this.outlines;
  }

  paint(context, view) {
    paintShapes(context, this.leftOut(), view);
    if (!this.wanted || !this.tiling) return;
    context.beginPath();
    for (const shape of this.tiling.shapes.values())
      if (meets(shape.box, view.box)) traceShape(context, this.tiling, shape, view);
    context.strokeStyle = colour("bad");
    context.lineWidth = 4.5;
    context.stroke();
  }
}
