// The small tilings of tests/fixtures as the planner holds them; places are cells of 10 m near 118° E, 39.6° N.
import { readFileSync } from "node:fs";
import { toWorld } from "../../gis_api/static/js/map/world.js";
import { Tiling } from "../../gis_api/static/js/model/tiling.js";

export const read = (name) => JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8"));

export const degrees = ([column, row]) => [
  Number((118 + (column * 10) / 85_900).toFixed(9)),
  Number((39.6 + (row * 10) / 111_000).toFixed(9)),
];

export function world(place) {
  const [x, y] = toWorld(...degrees(place));
  return { x, y };
}

export function tilingOf(grids) {
  const tiling = new Tiling();
  const closed = (ring) => [...ring, ring[0]].map(degrees);
  tiling.add(
    Object.entries(grids).map(([code, { community, rings }]) => ({
      properties: { code, level: "grid", parent: community },
      geometry: { type: "Polygon", coordinates: rings.map(closed) },
    })),
  );
  tiling.rebuild();
  return tiling;
}

// The vertex at a place.
export function idAt(tiling, place) {
  const [lon, lat] = degrees(place);
  return tiling.points.findIndex((point) => point.lon === lon && point.lat === lat);
}
