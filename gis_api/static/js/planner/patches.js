// The patches that a brush paints: fetched for what the map shows, found under the pointer, painted on the canvas.
import { ConnectionLost, get } from "../api.js";
import { t } from "../config.js";
import { map } from "../map/place.js";
import { fromWorld, toWorld } from "../map/world.js";
import { areaWithin } from "./extent.js";
import { meets, within } from "../model/geometry.js";

// From these zooms on patches are large enough to be pointed at.
export const LOWEST = { block: 15, building: 16.5 };

export class Patches {
  constructor(store) {
    this.store = store;
    this.by = "block";
    this.list = [];
    this.version = null;
    this.covered = null;
    /** @type {Error | null} */
    this.problem = null;
    /** @type {Promise<void> | null} what is on its way for the view */
    this.coming = null;
  }

  get near() {
    return map.getZoom() >= LOWEST[this.by];
  }

  // Whether the cells of what is on the screen are here, for the plan as it is.
  get ready() {
    return this.near && this.covers(viewOf());
  }

  covers(box) {
    return Boolean(this.covered) && this.version === this.store.version && holds(this.covered, box);
  }

  choose(by) {
    this.by = by;
    this.forget();
  }

  forget() {
    this.list = [];
    this.covered = null;
  }

  // Bring the patches of the view, unless those on hand are of this plan, this way of cutting and this place.
  async load() {
    if (!this.near) {
      this.forget();
      return;
    }
    if (this.ready) return;
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    try {
      const view = viewOf();
      const told = await this.ask(this.by, view, asking.signal);
      if (this.asking === asking) Object.assign(this, told, { covered: view, problem: null });
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.problem = problem;
      throw problem;
    }
  }

  // What lies in a box, cut in this way, with the version of the plan that it was asked for.
  async ask(by, box, signal) {
    const { version } = this.store;
    const { features } = await get(`${this.store.path}/blocks?by=${by}&bbox=${degrees(box)}`, { signal });
    return { list: features.map(patchOf), version };
  }

  // The patches of a box cut in this way, of the plan as it is: those on hand, else asked for. Edits that still wait
  // come first.
  async of(by, box) {
    const { store } = this;
    await store.line.flush();
    if (store.line.waits) throw new ConnectionLost(t("frame.lost"));
    await this.coming?.catch(() => null);
    if (by === this.by && this.covers(box)) return this.list;
    for (;;) {
      const { list, version } = await this.ask(by, box);
      if (version === store.version) return list;
    }
  }

  at(x, y) {
    return patchAt(this.list, x, y);
  }

  // The faint net of all patches.
  paint(context, view, stroke) {
    context.beginPath();
    for (const patch of this.list) if (meets(patch.box, view.box)) trace(context, patch, view);
    context.lineWidth = 1;
    context.strokeStyle = stroke;
    context.stroke();
  }
}

const patchAt = (list, x, y) => list.find((patch) => within(patch.box, x, y) && covers(patch, x, y)) ?? null;

// The patches among these along a stroke from one world position to another, drawn at this zoom.
export function patchesAlong(list, [ax, ay], [bx, by], zoom) {
  const steps = Math.max(1, Math.ceil((Math.hypot(bx - ax, by - ay) * 2 ** zoom) / 3));
  const found = new Set();
  for (let i = 0; i <= steps; i += 1) {
    const patch = patchAt(list, ax + ((bx - ax) * i) / steps, ay + ((by - ay) * i) / steps);
    if (patch) found.add(patch);
  }
  return found;
}

function viewOf() {
  const size = map.getSize();
  return worldOf([0, 0], [size.x, size.y]);
}

export function trace(context, patch, view) {
  for (const ring of patch.rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const x = ring[i] * view.scale - view.x;
      const y = ring[i + 1] * view.scale - view.y;
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
  }
}

function patchOf({ id, geometry, properties }) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const rings = polygons.flat().map((positions) => ringOf(positions, box));
  const places = () => polygons.map((polygon) => polygon.map((ring) => ring.slice(0, -1).map(placeOf)));
  return { id, polygons, rings, box, area: () => areaWithin(places(), box), ...properties };
}

function placeOf([lon, lat]) {
  const [x, y] = toWorld(lon, lat);
  return { x, y };
}

function ringOf(positions, box) {
  const ring = new Float64Array(2 * (positions.length - 1));
  for (let i = 0; i < positions.length - 1; i += 1) {
    const [x, y] = toWorld(...positions[i]);
    ring[2 * i] = x;
    ring[2 * i + 1] = y;
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return ring;
}

function covers({ rings }, x, y) {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      if (
        ring[i + 1] > y !== ring[j + 1] > y &&
        x < ((ring[j] - ring[i]) * (y - ring[i + 1])) / (ring[j + 1] - ring[i + 1]) + ring[i]
      )
        odd = !odd;
    }
  }
  return odd;
}

const holds = (outer, inner) =>
  inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];

// A box on the screen in world coordinates.
function worldOf([left, top], [right, bottom]) {
  const scale = 2 ** map.getZoom();
  const origin = map.getPixelOrigin().add(map.containerPointToLayerPoint([0, 0]));
  return [(origin.x + left) / scale, (origin.y + top) / scale, (origin.x + right) / scale, (origin.y + bottom) / scale];
}

/** @type {(box: number[]) => string} */
function degrees([left, top, right, bottom]) {
  const [west, north] = fromWorld(left, top);
  const [east, south] = fromWorld(right, bottom);
  return [west, south, east, north].join();
}
