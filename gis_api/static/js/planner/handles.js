// The vertices (squares) and midpoints (dots) of the selected grid as elements that a mouse, a finger and a keyboard can
// hold. While one is dragged, every grid that shares the vertex follows; the server decides when it is let go.
import { t } from "../config.js";
import { map } from "../map/place.js";
import { fromWorld, latLngOf, storedOf } from "../map/world.js";
import { rings, shortCode } from "./tiling.js";

const CROWDED_PX = 26;

export class Handles {
  constructor(tiling, { moving, moved, bent, erased }) {
    this.tiling = tiling;
    this.tell = { moving, moved, bent, erased };
    this.layer = L.layerGroup().addTo(map);
    this.shape = null;
    this.held = null;
    map.on("zoomend", () => this.shape && !this.held && this.show(this.shape.code));
  }

  show(code) {
    this.layer.clearLayers();
    this.shape = code ? this.tiling.shapes.get(code) : null;
    if (!this.shape) return;
    const scale = 2 ** map.getZoom();
    for (const ring of rings(this.shape)) {
      ring.forEach((id, i) => {
        this.vertex(id);
        this.midpoint(id, ring[(i + 1) % ring.length], scale);
      });
    }
  }

  hide() {
    this.show(null);
  }

  vertex(id) {
    const point = this.tiling.points[id];
    const owners = this.gridsAt(id);
    const fixed = this.tiling.fixed.has(id);
    const marker = this.marker(latLngOf(point.lon, point.lat), ["vertex", owners.length > 2 && "node", fixed && "fixed"].filter(Boolean).join(" "), fixed ? 11 : 14);
    const element = marker.getElement();
    element.dataset.test = "planner-vertex";
    element.dataset.lon = point.lon;
    element.dataset.lat = point.lat;
    element.title = fixed ? t("planner.fixed_vertex") : "";
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", t(fixed ? "planner.fixed_vertex_of" : "planner.vertex_of", { grids: owners.map(shortCode).join(" ") }));
    marker.on("dragstart", () => this.take({ id, from: [point.lon, point.lat] }));
    marker.on("drag", (event) => this.tell.moving(id, storedOf(event.target.getLatLng())));
    marker.on("dragend", (event) => this.drop(storedOf(event.target.getLatLng())));
    marker.on("contextmenu", (event) => {
      L.DomEvent.stop(event.originalEvent);
      this.tell.erased([point.lon, point.lat]);
    });
    element.addEventListener("keydown", (event) => this.key(event, id));
  }

  midpoint(a, b, scale) {
    if (this.tiling.fixed.has(a) && this.tiling.fixed.has(b)) return;
    const [p, q] = [this.tiling.points[a], this.tiling.points[b]];
    if (Math.hypot(p.x - q.x, p.y - q.y) * scale < CROWDED_PX) return;
    const [lon, lat] = fromWorld((p.x + q.x) / 2, (p.y + q.y) / 2);
    const at = [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
    const marker = this.marker(latLngOf(lon, lat), "vertex middle", 12);
    const element = marker.getElement();
    element.dataset.test = "planner-midpoint";
    element.setAttribute("aria-label", t("planner.midpoint"));
    marker.on("dragstart", () => this.take({ id: this.tiling.bend(a, b, at), from: at, bent: true }));
    marker.on("drag", (event) => this.tell.moving(this.held.id, storedOf(event.target.getLatLng())));
    marker.on("dragend", (event) => this.drop(storedOf(event.target.getLatLng())));
  }

  marker(latlng, name, size) {
    const icon = L.divIcon({ className: name, iconSize: [size, size] });
    return L.marker(latlng, { icon, draggable: true, keyboard: true, autoPan: true, zIndexOffset: name.includes("middle") ? 0 : 500 }).addTo(this.layer);
  }

  take(held) {
    this.held = held;
    this.tell.moving(held.id, held.from);
  }

  drop(to) {
    const held = this.held;
    this.held = null;
    if (held.bent) this.tell.bent(held, to);
    else this.tell.moved(held, to);
  }

  // Arrow keys move a focused vertex by two screen pixels, ten with Shift; Delete takes it out.
  key(event, id) {
    const point = this.tiling.points[id];
    if (event.key === "Delete") {
      event.stopPropagation();
      this.tell.erased([point.lon, point.lat]);
      return;
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const away = (event.shiftKey ? 10 : 2) / 2 ** map.getZoom();
    const [lon, lat] = fromWorld(point.x + step[0] * away, point.y + step[1] * away);
    this.tell.moved({ id, from: [point.lon, point.lat] }, [Number(lon.toFixed(9)), Number(lat.toFixed(9))]);
  }

  gridsAt(id) {
    return [...this.tiling.points[id].owners].filter((code) => this.tiling.shapes.get(code)?.level === "grid");
  }
}
