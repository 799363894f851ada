// Positions as the map needs them: world pixels at zoom 0 (256 wide), in the datum of the base map.
import { config } from "../config.js";
import { shown, stored } from "./datum.js";
import { boundsAround, latLng } from "./leaflet.js";

const there = shown(config.datum);
const back = stored(config.datum);
const RADIANS = Math.PI / 180;
const plain = there === shown("wgs84");

/** @returns {[number, number]} */
export function toWorld(lon, lat) {
  const [x, y] = there(lon, lat);
  const sine = Math.sin(y * RADIANS);
  return [(x / 360 + 0.5) * 256, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 256];
}

// From the world of vector tiles, which lie in WGS84, into the map's and back.
export function fromTiles(x, y) {
  return plain ? [x, y] : toWorld((x / 256 - 0.5) * 360, latitude(y));
}

export function intoTiles(x, y) {
  if (plain) return [x, y];
  const [lon, lat] = fromWorld(x, y);
  const sine = Math.sin(lat * RADIANS);
  return [(lon / 360 + 0.5) * 256, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 256];
}

const latitude = (y) => (2 * Math.atan(Math.exp(Math.PI * (1 - y / 128))) - Math.PI / 2) / RADIANS;

// Many positions at once, axis by axis.
export function allToWorld(lon, lat) {
  const x = new Float64Array(lon.length);
  const y = new Float64Array(lon.length);
  for (let i = 0; i < lon.length; i += 1) {
    const [east, north] = plain ? [lon[i], lat[i]] : there(lon[i], lat[i]);
    const sine = Math.sin(north * RADIANS);
    x[i] = (east / 360 + 0.5) * 256;
    y[i] = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 256;
  }
  return [x, y];
}

export function fromWorld(x, y) {
  return back((x / 256 - 0.5) * 360, latitude(y));
}

// A screen position of Leaflet as a stored position, nine decimals as the store keeps them.
/** @type {(latlng: {lat: number, lng: number}) => [number, number]} */
export function storedOf(latlng) {
  const [lon, lat] = back(latlng.lng, latlng.lat);
  return [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
}

export function latLngOf(lon, lat) {
  const [x, y] = there(lon, lat);
  return latLng(y, x);
}

export function boundsOf([west, south, east, north]) {
  return boundsAround(latLngOf(west, south), latLngOf(east, north));
}

// Every position of a GeoJSON geometry, in order.
export function* positions(geometry) {
  if (!geometry) return;
  if (geometry.type === "GeometryCollection") {
    for (const part of geometry.geometries) yield* positions(part);
  } else yield* flat(geometry.coordinates);
}

function* flat(coordinates) {
  if (typeof coordinates[0] === "number") yield coordinates;
  else for (const inner of coordinates) yield* flat(inner);
}

/** @type {(geometries: any[]) => [number, number, number, number]} */
export function boxOf(geometries) {
  /** @type {[number, number, number, number]} */
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const geometry of geometries) {
    for (const [lon, lat] of positions(geometry)) {
      box[0] = Math.min(box[0], lon);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lon);
      box[3] = Math.max(box[3], lat);
    }
  }
  return box;
}
