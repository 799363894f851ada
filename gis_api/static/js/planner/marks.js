// Marks over the map: a place that is looked at, a small triangle at every error, what the pointer snapped to.
import { t } from "../config.js";
import { colour, FACE, faint } from "../map/colours.js";
import { positions, toWorld } from "../map/world.js";

// Room for the longest word beside a snap.
export const WORD_PX = 240;

// So that errors far apart are seen at a glance.
export function paintErrors(context, view, places) {
  context.fillStyle = colour("bad");
  context.strokeStyle = colour("halo");
  context.lineWidth = 1.5;
  for (const [x, y] of places) {
    const [px, py] = [x * view.scale - view.x, y * view.scale - view.y];
    context.beginPath();
    context.moveTo(px, py - 7);
    context.lineTo(px + 6, py + 4);
    context.lineTo(px - 6, py + 4);
    context.closePath();
    context.fill();
    context.stroke();
  }
}

// A point inside the first polygon of a defect, by the middle of its widest horizontal run.
export function innerPoint(geometry) {
  const ring =
    geometry.type === "Polygon"
      ? geometry.coordinates[0]
      : geometry.type === "MultiPolygon"
        ? geometry.coordinates[0][0]
        : null;
  if (!ring) return [...positions(geometry)][0];
  const south = Math.min(...ring.map((p) => p[1]));
  const north = Math.max(...ring.map((p) => p[1]));
  let best = { width: -1, at: ring[0] };
  for (const share of [0.5, 0.3, 0.7, 0.15, 0.85]) {
    const lat = south + (north - south) * share;
    const hits = [];
    for (let i = 1; i < ring.length; i += 1) {
      const [a, b] = [ring[i - 1], ring[i]];
      if (a[1] > lat !== b[1] > lat) hits.push(a[0] + ((b[0] - a[0]) * (lat - a[1])) / (b[1] - a[1]));
    }
    hits.sort((a, b) => a - b);
    for (let i = 0; i + 1 < hits.length; i += 2) {
      if (hits[i + 1] - hits[i] > best.width)
        best = { width: hits[i + 1] - hits[i], at: [(hits[i] + hits[i + 1]) / 2, lat] };
    }
  }
  return best.at;
}

export function paintMark(context, view, { geometry, name }) {
  const places = [...positions(geometry)].map(([lon, lat]) => {
    const [x, y] = toWorld(lon, lat);
    return [x * view.scale - view.x, y * view.scale - view.y];
  });
  if (!places.length) return;
  const xs = places.map((place) => place[0]);
  const ys = places.map((place) => place[1]);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  context.strokeStyle = colour(name);
  context.fillStyle = faint(name, 0.25);
  context.lineWidth = 2;
  context.beginPath();
  if (geometry.type.endsWith("Polygon")) tracePolygons(context, geometry, view);
  else if (geometry.type.endsWith("LineString"))
    places.forEach((place, i) => (i ? context.lineTo(...place) : context.moveTo(...place)));
  if (geometry.type.endsWith("Polygon")) context.fill("evenodd");
  context.stroke();
  context.beginPath();
  context.arc(...middle, Math.max(16, Math.min(60, (Math.max(...xs) - Math.min(...xs)) / 2 + 12)), 0, 2 * Math.PI);
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}

function tracePolygons(context, geometry, view) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  for (const ring of polygons.flat()) {
    ring.forEach(([lon, lat], i) => {
      const [x, y] = toWorld(lon, lat);
      const place = [x * view.scale - view.x, y * view.scale - view.y];
      if (i) context.lineTo(...place);
      else context.moveTo(...place);
    });
  }
}

// What the pointer snapped to, as a sign and a word: a square at a vertex, a diamond on the ground, a ring on a line.
export function paintSnap(context, [x, y], { snapped, name }, accent) {
  context.beginPath();
  if (!snapped) context.arc(x, y, 3.5, 0, 2 * Math.PI);
  else if (snapped === "vertex") context.rect(x - 5, y - 5, 10, 10);
  else if (snapped === "corner" || snapped === "junction") diamond(context, x, y);
  else context.arc(x, y, 5, 0, 2 * Math.PI);
  context.fillStyle = snapped ? "#ffffff" : accent;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = accent;
  context.stroke();
  if (snapped) word(context, x + 11, y - 11, [t(`planner.snap_${snapped}`), name].filter(Boolean).join(" "));
}

function diamond(context, x, y) {
  context.moveTo(x, y - 7);
  context.lineTo(x + 7, y);
  context.lineTo(x, y + 7);
  context.lineTo(x - 7, y);
  context.closePath();
}

function word(context, x, y, text) {
  context.font = `600 12px ${FACE}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const width = context.measureText(text).width;
  context.fillStyle = faint("paper", 0.92);
  context.beginPath();
  context.roundRect(x - 4, y - 9, width + 8, 18, 4);
  context.fill();
  context.fillStyle = colour("accent");
  context.fillText(text, x, y + 1);
}
