// Something found, shown on the map: the map goes there, and a ring says for a moment where it is.
import { map, show } from "./place.js";
import { latLngOf } from "./world.js";
import { divIcon, marker } from "./leaflet.js";

const SHOWN_MS = 6000;
const CLOSE = { building: 19, compound: 18.5 };
/** @type {import("leaflet").Marker | null} */
let ring = null;
let ending = 0;

/** @type {(place: {bbox?: number[], kind?: string, point: [number, number]}) => void} */
export function goTo({ kind, bbox, point }) {
  show(bbox, {
    animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    maxZoom: CLOSE[kind] ?? 18,
    padding: [60, 60],
  });
  flash(point);
}

export function flash([lon, lat]) {
  clearTimeout(ending);
  ring?.remove();
  const icon = divIcon("found-ring", 44);
  const made = marker(latLngOf(lon, lat), { icon, interactive: false, keyboard: false }).addTo(map);
  made.getElement().dataset.test = "found-ring";
  ending = setTimeout(() => made.remove(), SHOWN_MS);
  ring = made;
}
