// What the pointer is drawn to: vertices and borders of the plan, corners and walls of buildings, junctions and roads.
// The nearest wins, points being felt before lines and the plan before the ground; with Alt held nothing is felt.
import { map } from "../map/place.js";
import { fromWorld, storedOf, toWorld } from "../map/world.js";
import { footOf, meets, rings } from "../model/geometry.js";

export const POINT_PX = 10;
const LINE_PX = 8;
// The plan's own geometry counts as so many pixels nearer: a border meets a border, not the kerb beside it.
const OWN_PX = 3;
// So do points: one of them is seldom hit by chance.
const SHARP_PX = 4;
// Before this zoom a building is a few pixels wide.
export const WALLS_FROM = 16;

export class Snapper {
  constructor(tiling, { homes, streets }) {
    this.tiling = tiling;
    this.homes = homes;
    this.streets = streets;
    this.overlays = false;
  }

  // A pointer's place as {stored: [lon, lat], x, y (world), snapped}. `without` names grids whose own borders do not
  // count, `ground` leaves out the whole plan.
  find(latlng, { free = false, without = null, ground = false } = {}) {
    const stored = storedOf(latlng);
    const [x, y] = toWorld(...stored);
    const found = free ? null : this.felt(x, y, { without, ground });
    map.getContainer().dataset.snapped = found?.snapped ?? "";
    return found ?? { stored, x, y, snapped: null };
  }

  felt(x, y, { without, ground }) {
    const search = new Search(x, y, 2 ** map.getZoom());
    if (!ground) this.plan(search, without);
    if (map.getZoom() >= WALLS_FROM) this.walls(search);
    this.roads(search);
    return search.result();
  }

  plan(search, without) {
    const { tiling } = this;
    for (const arc of tiling.arcs) {
      if (!meets(arc.box, search.box) || (without && arc.owners.some((code) => without.has(code)))) continue;
      this.run(
        search,
        arc.points.map((id) => tiling.points[id]),
        { point: "vertex", line: "border" },
      );
    }
    if (!this.overlays) return;
    for (const shape of tiling.ofLevel("overlay")) {
      if (!meets(shape.box, search.box) || without?.has(shape.code)) continue;
      for (const ring of rings(shape))
        this.run(
          search,
          [...ring, ring[0]].map((id) => tiling.points[id]),
          { point: "vertex", line: "border" },
        );
    }
  }

  walls(search) {
    for (const building of this.homes.near(search.box)) {
      for (const ring of building.rings) this.run(search, ring, { point: "corner", line: "wall" });
    }
  }

  run(search, points, names) {
    for (let i = 0; i < points.length; i += 1) {
      search.point(points[i], names.point);
      if (i > 0) search.line(points[i - 1], points[i], names.line);
    }
  }

  roads(search) {
    for (const thing of this.streets.near(search.x, search.y, POINT_PX / search.scale)) {
      if (thing.junction) search.point(thing.p, "junction");
      else search.line(thing.p, thing.q, "road", thing.name);
    }
  }
}

class Search {
  constructor(x, y, scale) {
    this.x = x;
    this.y = y;
    this.scale = scale;
    this.best = null;
    const reach = POINT_PX / scale;
    this.box = [x - reach, y - reach, x + reach, y + reach];
  }

  point(place, snapped) {
    const away = Math.hypot(place.x - this.x, place.y - this.y) * this.scale;
    if (away <= POINT_PX) this.offer(place, away - SHARP_PX - (snapped === "vertex" ? OWN_PX : 0), { snapped });
  }

  line(p, q, snapped, name) {
    const foot = footOf(p, q, this.x, this.y);
    const away = foot.away * this.scale;
    if (away <= LINE_PX) this.offer(foot, away - (snapped === "border" ? OWN_PX : 0), { snapped, name });
  }

  /** @type {(at: {x: number, y: number, lon?: number, lat?: number}, felt: number, words: any) => void} */
  offer({ x, y, lon, lat }, felt, words) {
    if (this.best && felt >= this.best.felt) return;
    this.best = { x, y, lon, lat, felt, ...words };
  }

  result() {
    if (!this.best) return null;
    const { x, y, lon, lat, snapped, name } = this.best;
    const place = lon === undefined ? fromWorld(x, y).map((side) => Number(side.toFixed(9))) : [lon, lat];
    return { stored: place, x, y, snapped, name };
  }
}
