// What operations have in common: what they touch on the map as it is now, and how vertices look once they moved. The
// client only guesses here, to the safe side; the service decides.
import { boxOf, toWorld } from "../../map/world.js";
import { footOf, meets } from "../../model/geometry.js";

// A touched border far from the pointer is no touched border (world units at zoom 0: about half a metre).
const ON_BORDER = 1e-6;

// An operation as the page knows it: `codes` must be on the map for it to make sense, `touches` are further codes that
// it is about, `gone` says why it makes no sense any more (the end of a text's key), `preview` are the touched grids as
// they would be (null where only the service can draw them), `sketch` is what is seen of it elsewhere. `parting`: a
// neighbour may lose contact with a piece of its own, which then goes `along` with what was drawn unless somebody says
// otherwise.
export const operation = (op, effects) => ({
  op,
  codes: () => [],
  touches: () => [],
  gone: () => null,
  preview: () => null,
  sketch: () => null,
  parting: false,
  along: () => "new",
  ...effects,
});

export function vertexAt([lon, lat], tiling) {
  const id = tiling.index.get(`${lon},${lat}`);
  const point = id === undefined ? null : tiling.points[id];
  return point?.owners.size ? point : null;
}

export const ownersAt = (place, tiling) => [...(vertexAt(place, tiling)?.owners ?? [])];

export function edgeAt([lon, lat], tiling) {
  const [x, y] = toWorld(lon, lat);
  /** @type {{away: number, a: any, b: any} | null} */
  let best = null;
  for (const arc of tiling.arcs) {
    if (!meets(arc.box, [x - ON_BORDER, y - ON_BORDER, x + ON_BORDER, y + ON_BORDER])) continue;
    for (let i = 1; i < arc.points.length; i += 1) {
      const [a, b] = [tiling.points[arc.points[i - 1]], tiling.points[arc.points[i]]];
      const { away } = footOf(a, b, x, y);
      if (away <= (best?.away ?? ON_BORDER)) best = { away, a, b };
    }
  }
  return best && { ...best, owners: [...best.a.owners].filter((code) => best.b.owners.has(code)) };
}

// The grids and sub-grids whose boxes meet that of a geometry.
export function below(geometry, tiling) {
  const [west, south, east, north] = boxOf([geometry]);
  const [left, bottom] = toWorld(west, south);
  const [right, top] = toWorld(east, north);
  const box = [left, top, right, bottom];
  return [...tiling.shapes.values()]
    .filter((shape) => shape.level !== "overlay" && meets(shape.box, box))
    .map(({ code }) => code);
}

// The grids of these codes with each of their rings drawn anew; a ring that would be none any more stays.
export function redrawn(codes, tiling, redraw) {
  const features = codes.map((code) => tiling.shapes.get(code)?.feature).filter(Boolean);
  return features.map((feature) => ({
    ...feature,
    geometry: {
      type: "MultiPolygon",
      coordinates: polygonsOf(feature.geometry).map((polygon) =>
        polygon.map((ring) => closed(redraw(ring.slice(0, -1)), ring)),
      ),
    },
  }));
}

const closed = (ring, old) => (ring.length < 3 ? old : [...ring, ring[0]]);
export const polygonsOf = (geometry) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates);

// The grids at a vertex with other places instead of it.
export function withoutVertex([lon, lat], tiling, instead) {
  return redrawn(ownersAt([lon, lat], tiling), tiling, (ring) =>
    ring.flatMap((place) => (place[0] === lon && place[1] === lat ? instead : [place])),
  );
}

export const way = (from, to) => ({ type: "LineString", coordinates: [from, to] });
export const spot = (place) => ({ type: "Point", coordinates: place });
