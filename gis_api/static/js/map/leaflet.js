// The only door to Leaflet and its vector tiles: a new version of them is met here, and nowhere else.
/** @type {any} */
const L = globalThis.L ?? {};

// What our own layers are made from (`extend`).
export const Layer = L.Layer;
export const Marker = L.Marker;
export const Renderer = L.Renderer;
export const VectorGrid = L.VectorGrid;

/** @type {(x: number, y: number) => import("leaflet").Point} */
export const pointOf = (x, y) => L.point(x, y);

/** @type {(lat: number, lng: number) => import("leaflet").LatLng} */
export const latLng = (lat, lng) => L.latLng(lat, lng);

/** @type {(a: import("leaflet").LatLng, b: import("leaflet").LatLng) => import("leaflet").LatLngBounds} */
export const boundsAround = (a, b) => L.latLngBounds(a, b);

export const layerGroup = () => L.layerGroup();

// A marker that is an element of ours: `size` in pixels, the look by its class.
export const divIcon = (className, size) => L.divIcon({ className, iconSize: [size, size] });
export const marker = (at, options) => L.marker(at, options);

export const scaleControl = (options) => L.control.scale(options);
export const zoomControl = (options) => L.control.zoom(options);

// One canvas of a vector tile, and the address of a tile from its template.
export const tileCanvas = (coords, size, options) => L.canvas.tile(coords, size, options);
export const addressOf = (template, coords) => L.Util.template(template, coords);

export const moveTo = (element, at) => L.DomUtil.setPosition(element, at);
export const stop = (event) => L.DomEvent.stop(event);

// What is done in a box over the map is not done to the map under it.
export function shield(box) {
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
}
