// The map of a desk: grids, who is where, the cases, and the line from a case to who was sent and who was considered.
import { getFeatures } from "../api.js";
import { present } from "../dom.js";
import { colour, FACE, faint } from "../map/colours.js";
import { Painted } from "../map/canvas.js";
import { map, show } from "../map/place.js";
import { boundsOf, boxOf, latLngOf, storedOf, toWorld } from "../map/world.js";
import { dot, dots } from "../draw/dots.js";
import { outline, paintBorders, paintLabels } from "../draw/paint.js";
import { Tiling } from "../model/tiling.js";
import { moodOf } from "./why.js";

const CLOSE_ZOOM = 17.5;
const NAMES_FROM = 16;
// How near a click must be to mean a case, in pixels.
const REACH = 22;
// More names would lie on each other; the table has them all.
const MOST_NAMES = 8;
const SIZES = { chosen: 9, off: 4 };
const LIVE_SIZE = 4;

export class DeskMap {
  // `onCase` is called with the id of a case that was clicked.
  /** @param {{onCase?: (id: string) => void}} told */
  constructor({ onCase } = {}) {
    this.tiling = new Tiling();
    this.workers = [];
    this.cases = [];
    this.chosen = null;
    this.decision = null;
    this.way = null;
    this.ground = new Painted((context, view) => this.paintGround(context, view));
    this.painted = new Painted((context, view) => this.paint(context, view));
    map.on("click", ({ latlng }) => {
      const found = this.caseAt(toWorld(...storedOf(latlng)));
      if (found) onCase?.(found.id);
    });
  }

  // The grids below a code; with nothing else to show, all of them are shown.
  async load(area) {
    map.addLayer(this.ground);
    map.addLayer(this.painted);
    const features = await getFeatures(`/api/v1/grids?area=${encodeURIComponent(area)}&limit=10000`);
    const drawn = features.filter((feature) => feature.geometry);
    this.tiling.add(drawn);
    this.tiling.rebuild();
    this.ground.redraw();
    show(boxOf(drawn.map((feature) => feature.geometry)));
  }

  set(told) {
    const grid = this.chosen?.current_code;
    Object.assign(this, told);
    if (grid !== this.chosen?.current_code) this.ground.redraw();
    this.painted.redraw();
  }

  // Go to a case, as near as its candidates, and the way to who was chosen, let the map be.
  /** @type {(incident: any, decision: any, way?: any) => void} */
  goTo(incident, decision, way = null) {
    const { lon, lat } = incident.position;
    const stood = standing(decision).slice(0, 6);
    const along = (way?.line.coordinates ?? []).map(([x, y]) => ({ lon: x, lat: y }));
    const spots = [...stood.map(({ position }) => position), ...along];
    const lons = [lon, ...spots.map((spot) => spot.lon)];
    const lats = [lat, ...spots.map((spot) => spot.lat)];
    /** @type {[number, number, number, number]} */
    const box = [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
    if (!stood.length) map.setView(latLngOf(lon, lat), Math.max(map.getZoom(), CLOSE_ZOOM));
    else map.fitBounds(boundsOf(box), { maxZoom: CLOSE_ZOOM, padding: [70, 70] });
  }

  caseAt([x, y]) {
    const scale = 2 ** map.getZoom();
    const away = ({ position }) => {
      const [cx, cy] = toWorld(position.lon, position.lat);
      return Math.hypot((cx - x) * scale, (cy - y) * scale);
    };
    return this.cases.filter((one) => away(one) < REACH).sort((a, b) => away(a) - away(b))[0];
  }

  // Apart from what moves: the borders of a district take longer than all of its people.
  paintGround(context, view) {
    paintBorders(context, this.tiling, view, { subGrids: true });
    const shape = this.tiling.shapes.get(this.chosen?.current_code);
    const look = { fill: faint("accent", 0.1), stroke: colour("accent"), width: 2.5 };
    if (shape) outline(context, this.tiling, [shape], view, look);
    paintLabels(context, this.tiling, view, { second: () => ({ text: "" }) });
  }

  paint(context, view) {
    const considered = new Set(standing(this.decision).map(({ worker }) => worker));
    const live = this.workers.filter(({ number }) => !considered.has(number));
    for (const mood of ["stale", "fresh"]) {
      const places = live.filter((one) => liveMood(one) === mood).map((one) => at(one, view));
      dots(context, places, mood, LIVE_SIZE);
    }
    for (const one of this.cases) if (one.id !== this.chosen?.id) mark(context, at(one.position, view), one, false);
    if (this.chosen) this.paintDecision(context, view);
  }

  paintDecision(context, view) {
    const place = at(this.chosen.position, view);
    if (this.way) paintWay(context, this.way, view);
    for (const one of standing(this.decision).reverse()) {
      const mood = moodOf(one, this.decision);
      const there = at(one.position, view);
      if (mood === "chosen" && !this.way) dashes(context, [place, there]);
      dot(context, there, mood, SIZES[mood] ?? 6);
    }
    if (view.zoom < NAMES_FROM) return;
    const named = this.decision?.candidates.filter(({ position }) => position).slice(0, MOST_NAMES) ?? [];
    for (const one of named) label(context, at(one.position, view), one.name || one.worker);
    mark(context, place, this.chosen, true);
  }
}

const standing = (decision) =>
  decision ? [...decision.candidates, ...decision.rejected].filter(({ position }) => position) : [];

const liveMood = (one) => (one.at_home || one.freshness === "stale" ? "stale" : "fresh");

/** @returns {[number, number]} */
function at({ lon, lat }, view) {
  const [x, y] = toWorld(lon, lat);
  return [x * view.scale - view.x, y * view.scale - view.y];
}

// The way over roads is a line with a halo, what stands in for one is dashed; where somebody would go straight is thin.
function paintWay(context, { kind, line }, view) {
  const points = line.coordinates.map(([lon, lat]) => at({ lon, lat }, view));
  if (["no_roads", "no_way"].includes(kind)) {
    dashes(context, points);
    return;
  }
  if (kind === "roads") dashes(context, [points[0], present(points.at(-1))], { name: "quiet", width: 1.5 });
  context.lineJoin = context.lineCap = "round";
  for (const [name, width] of [
    ["halo", 7],
    ["accent", 3.5],
  ])
    stroke(context, points, { name, width });
  context.lineJoin = "miter";
  context.lineCap = "butt";
}

function dashes(context, points, look = { name: "accent", width: 2.5 }) {
  context.setLineDash([6, 5]);
  stroke(context, points, look);
  context.setLineDash([]);
}

function stroke(context, points, { name, width }) {
  context.beginPath();
  points.forEach(([x, y], turn) => (turn ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.lineWidth = width;
  context.strokeStyle = colour(name);
  context.stroke();
}

function label(context, [x, y], words) {
  context.font = `12px ${FACE}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.lineWidth = 3;
  context.strokeStyle = colour("halo");
  context.strokeText(words, x, y + 11);
  context.fillStyle = colour("ink");
  context.fillText(words, x, y + 11);
}

// A triangle, in a ring where it is the chosen one; hollow where its clock has not run out.
function mark(context, [x, y], { overdue, urgency }, chosen) {
  const size = chosen ? 11 : 6;
  if (chosen) {
    context.beginPath();
    context.arc(x, y, 20, 0, 2 * Math.PI);
    context.fillStyle = faint("bad", 0.2);
    context.fill();
  }
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y + size * 0.75);
  context.lineTo(x - size, y + size * 0.75);
  context.closePath();
  context.fillStyle = colour(chosen || urgency === "critical" ? "bad" : overdue ? "range" : "grid");
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = colour("halo");
  context.stroke();
}
