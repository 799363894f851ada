// The folium map of the page with what every map has: its ground, scale, zoom buttons, the position of the pointer.
import { config, t } from "../config.js";
import { newGround } from "./ground.js";
import { boundsOf, storedOf } from "./world.js";
import { scaleControl, zoomControl } from "./leaflet.js";

/** @type {import("leaflet").Map} */
export const map = window[config.map];
map.options.zoomSnap = 0.5;
map.options.zoomDelta = 1;
map.options.wheelPxPerZoomLevel = 120;

scaleControl({ imperial: false, position: "bottomleft", maxWidth: 110 }).addTo(map);

/** @type {any} a layer of the plugin of vector tiles, or pictures */
let ground = null;

// Show a box (west, south, east, north); the first time lifts the veil of loading and brings the ground, a frame later.
export function show(
  box,
  { maxZoom = 18, animate = false, padding = /** @type {[number, number]} */ ([24, 24]) } = {},
) {
  if (!Number.isFinite(box[0])) return;
  map.invalidateSize({ pan: false });
  map.fitBounds(boundsOf(box), { maxZoom, animate, padding });
  if (!ground) {
    ground = newGround();
    // What the page is about comes first: asking for some seventy tiles takes as long as drawing three thousand grids.
    requestAnimationFrame(() => setTimeout(() => map.addLayer(ground)));
    zoomControl({ position: "bottomright", zoomInTitle: t("map.zoom_in"), zoomOutTitle: t("map.zoom_out") }).addTo(map);
    document.querySelector(".veil")?.remove();
  }
}

// The layer of vector tiles under the map; null before anything is shown.
export const groundLayer = () => ground;

export function showLayer(name, wanted) {
  ground?.show?.(name, wanted);
}

const pointer = document.getElementById("pointer");
if (pointer) {
  // Ten times a second is as often as anybody reads it.
  /** @type {import("leaflet").LatLng | null} */
  let place = null;
  let later = 0;
  const tell = () => {
    if (!place) return;
    const [lon, lat] = storedOf(place);
    pointer.textContent = `${lon.toFixed(6)}, ${lat.toFixed(6)} · WGS84`;
    later = 0;
  };
  map.on("mousemove", ({ latlng }) => {
    place = latlng;
    later ||= setTimeout(tell, 100);
  });
}

new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
