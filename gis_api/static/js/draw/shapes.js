// GeoJSON shapes on the map with a look for each kind of change: colour, pattern and a sign, never colour alone.
import { colour, FACE, faint } from "../map/colours.js";
import { meets } from "../model/geometry.js";
import { toWorld } from "../map/world.js";
import { present, svg } from "../dom.js";

export const LOOKS = {
  added: { colour: "good", fill: 0.22, sign: "+", width: 2.4 },
  removed: { colour: "bad", fill: 0.18, sign: "−", width: 2.4, dash: [7, 5] },
  reshaped: { colour: "accent", fill: 0, pattern: true, sign: "", width: 2 },
  renamed: { colour: "sub-grid", fill: 0.08, sign: "", width: 1.5, dash: [2, 4] },
  gained: { colour: "good", fill: 0.5, sign: "+", width: 0.8 },
  lost: { colour: "bad", fill: 0.45, sign: "−", width: 0.8 },
  moved: { colour: "range", fill: 0.6, sign: "⇄", width: 0.8 },
  plain: { colour: "grid", fill: 0, sign: "", width: 0.8 },
  chosen: { colour: "ink", fill: 0, sign: "", width: 4 },
  yours: { colour: "range", fill: 0.16, sign: "", width: 3, dash: [9, 4] },
  proposed: { colour: "range", fill: 0.12, sign: "", width: 3 },
  theirs: { colour: "accent", fill: 0.12, sign: "", width: 3 },
};
const LABEL_FROM_PX = 26;

const polygonsOf = (geometry) => {
  if (!geometry) return [];
  if (geometry.type === "Polygon") return [geometry.coordinates];
  if (geometry.type === "MultiPolygon") return geometry.coordinates;
  return (geometry.geometries ?? []).flatMap(polygonsOf);
};

// A shape in world pixels: rings, box, and the largest ring's middle for its sign.
export function shapeOf(feature, look = feature.properties.change) {
  const polygons = polygonsOf(feature.geometry).map((rings) =>
    rings.map((ring) => ring.map(([lon, lat]) => toWorld(lon, lat))),
  );
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  /** @type {{x: number, y: number, w: number, h: number} | null} */
  let middle = null;
  let most = -1;
  for (const [outer] of polygons) {
    const own = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y] of outer) {
      own[0] = Math.min(own[0], x);
      own[1] = Math.min(own[1], y);
      own[2] = Math.max(own[2], x);
      own[3] = Math.max(own[3], y);
    }
    const area = (own[2] - own[0]) * (own[3] - own[1]);
    if (area > most)
      [most, middle] = [
        area,
        { x: (own[0] + own[2]) / 2, y: (own[1] + own[3]) / 2, w: own[2] - own[0], h: own[3] - own[1] },
      ];
    box[0] = Math.min(box[0], own[0]);
    box[1] = Math.min(box[1], own[1]);
    box[2] = Math.max(box[2], own[2]);
    box[3] = Math.max(box[3], own[3]);
  }
  return { properties: feature.properties, look, polygons, box, middle };
}

function trace(context, shape, view) {
  for (const rings of shape.polygons) {
    for (const ring of rings) {
      ring.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * view.scale - view.x, y * view.scale - view.y));
      context.closePath();
    }
  }
}

// Slanting lines for ground whose border was moved.
function hatch(context, name) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 9;
  const pen = present(tile.getContext("2d"));
  pen.strokeStyle = faint(name, 0.55);
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const shift of [-9, 0, 9]) {
    pen.moveTo(shift, 9);
    pen.lineTo(shift + 9, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

export function paintShapes(context, shapes, view) {
  const patterns = new Map();
  for (const shape of shapes) {
    if (!meets(shape.box, view.box)) continue;
    const look = LOOKS[shape.look];
    context.beginPath();
    trace(context, shape, view);
    if (look.pattern && !patterns.has(look.colour)) patterns.set(look.colour, hatch(context, look.colour));
    context.fillStyle = look.pattern ? patterns.get(look.colour) : faint(look.colour, look.fill);
    if (look.pattern || look.fill) context.fill("evenodd");
    context.setLineDash(look.dash ?? []);
    context.lineWidth = look.width;
    context.strokeStyle = colour(look.colour);
    context.stroke();
  }
  context.setLineDash([]);
  for (const shape of shapes) if (meets(shape.box, view.box)) paintSign(context, shape, view);
}

function paintSign(context, { look, middle }, view) {
  const { sign, colour: name } = LOOKS[look];
  if (!sign || !middle || Math.min(middle.w, middle.h) * view.scale < LABEL_FROM_PX) return;
  const [x, y] = [middle.x * view.scale - view.x, middle.y * view.scale - view.y];
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.fillStyle = colour("paper");
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = colour(name);
  context.stroke();
  context.fillStyle = colour(name);
  context.font = `700 16px ${FACE}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(sign, x, y + 1);
}

// The topmost shape under a world position.
export function shapeAt(shapes, [x, y]) {
  return [...shapes]
    .reverse()
    .find(
      (shape) =>
        shape.box[0] <= x &&
        x <= shape.box[2] &&
        shape.box[1] <= y &&
        y <= shape.box[3] &&
        shape.polygons.some((rings) => rings.reduce((inside, ring) => inside !== within(ring, x, y), false)),
    );
}

function within(ring, x, y) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

// The key of a legend: a small picture of a look.
export function keyOf(name) {
  const look = LOOKS[name];
  const stroke = `var(--${look.colour})`;
  const picture = svg(
    "svg",
    { viewBox: "0 0 22 16", "aria-hidden": "true" },
    svg("rect", {
      x: 1,
      y: 1,
      width: 20,
      height: 14,
      rx: 2,
      fill: look.fill ? stroke : "none",
      "fill-opacity": look.fill,
      stroke,
      "stroke-width": Math.min(2, look.width),
      "stroke-dasharray": look.dash?.join(" ") ?? null,
    }),
  );
  if (look.pattern)
    for (const x of [-4, 4, 12])
      picture.append(svg("line", { x1: x, y1: 15, x2: x + 13, y2: 2, stroke, "stroke-width": 1 }));
  if (look.sign) {
    const words = svg("text", {
      x: 11,
      y: 12.5,
      "text-anchor": "middle",
      "font-size": 13,
      "font-weight": 700,
      fill: stroke,
    });
    words.textContent = look.sign;
    picture.append(words);
  }
  return picture;
}
