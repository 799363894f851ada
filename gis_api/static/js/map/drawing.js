// How the ground's layers are drawn: each as its spec on the server says, by a style class and its colours.
import { colour } from "./colours.js";

const WIDTH_M = {
  motorway: 22,
  trunk: 18,
  primary: 16,
  secondary: 13,
  tertiary: 10,
  residential: 7,
  service: 4.5,
  footway: 2.5,
  path: 2,
  lane: 4.5,
  village: 4,
};
const metresPerPixel = (zoom) => (156543 * Math.cos((39 * Math.PI) / 180)) / 2 ** zoom;

function roadWidth(properties, zoom) {
  const metres = WIDTH_M[properties.road_class] || 7;
  const pixels = metres / metresPerPixel(zoom);
  if (pixels < 0.35) return 0;
  return Math.max(pixels, 0.8);
}

const stroke = (name, weight) => ({
  stroke: true,
  fill: false,
  color: colour(name),
  weight,
  opacity: 1,
  lineCap: "round",
  lineJoin: "round",
});
const area = (name, edge) => ({
  stroke: Boolean(edge),
  color: edge ? colour(edge) : "",
  weight: 0.6,
  opacity: 0.9,
  fill: true,
  fillColor: colour(name),
  fillOpacity: 1,
});
const HIDDEN = [];

// The style classes that a layer's spec may name, each a function of its colour and the colour of its edge.
const STYLES = {
  area,
  water: (name) => (properties) => (properties.kind === "line" ? stroke(name, 3) : area(name)),
  casing: (_name, edge) => (properties, zoom) => (zoom < 14 ? HIDDEN : stroke(edge, roadWidth(properties, zoom) + 2)),
  road: (name, edge) => (properties, zoom) => {
    const width = roadWidth(properties, zoom);
    return width ? stroke(zoom < 14 ? edge : name, width) : HIDDEN;
  },
  dot: (name, edge) => (_properties, zoom) => ({ ...area(name, edge), weight: 1, radius: zoom < 18 ? 2.5 : 4 }),
};

// What is drawn of a tile, in drawing order: {name, of, style}; the casings of roads are the roads once more, below
// them.
export function drawingOf(told) {
  return told.flatMap(({ name, style, colour: fill, edge }) => {
    const drawn = { name, of: name, style: STYLES[style](fill, edge) };
    return style === "road" ? [{ name: `${name} casing`, of: name, style: STYLES.casing(fill, edge) }, drawn] : [drawn];
  });
}
