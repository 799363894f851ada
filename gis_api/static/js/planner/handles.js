// The vertices (squares) and midpoints (dots) of the selected grid as elements that a mouse, a finger and a keyboard
// can hold. While one is carried, every grid that shares the vertex follows; the server decides when it is let go.
import { t } from "../config.js";
import { map } from "../map/place.js";
import { fromWorld, latLngOf, toWorld } from "../map/world.js";
import { carry } from "./carrying.js";
import { shortCode } from "../model/names.js";
import { rings } from "../model/geometry.js";
import { divIcon, layerGroup, Marker, stop } from "../map/leaflet.js";

const CROWDED_PX = 26;

// Leaflet moves markers in space, which makes a layer of the screen of each: two hundred of them cost more in every
// frame than all else. In the plane they lie in one.
/** @type {new (...args: any[]) => any} */
const Handle = Marker.extend({
  _setPos(at) {
    Marker.prototype._setPos.call(this, at);
    this._icon.style.transform = `translate(${at.x}px, ${at.y}px)`;
  },
});

export class Handles {
  // `snap(latlng, id, free)` gives the place that the pointer means; the others are told what the hand does: `refused`
  // where a vertex that stands still is pulled, `back` where something came in between.
  constructor(tiling, gesture, { snap, ...told }) {
    this.tiling = tiling;
    this.gesture = gesture;
    this.snap = snap;
    this.tell = told;
    this.layer = layerGroup().addTo(map);
    this.shape = null;
    this.held = null;
    this.awaited = null;
    this.idOf = new WeakMap();
    this.marks = new Map();
    map.on("zoomend", () => this.shape && !this.held && this.show(this.shape.code));
  }

  // An edit changes few vertices: the elements of the others stay, since making a hundred takes longer than all else
  // between an answer and its sight.
  show(code) {
    const focused = this.focused();
    const before = this.marks;
    this.marks = new Map();
    this.shape = code ? this.tiling.shapes.get(code) : null;
    if (this.shape) this.fill(before);
    for (const [key, marker] of before) if (this.marks.get(key) !== marker) this.layer.removeLayer(marker);
    if (!this.shape) return;
    this.putInOrder();
    this.refocus(focused);
    this.awaited = null;
  }

  fill(before) {
    const scale = 2 ** map.getZoom();
    for (const ring of rings(this.shape)) {
      ring.forEach((id, i) => {
        this.vertex(id, before);
        this.midpoint(id, ring[(i + 1) % ring.length], { scale, before });
      });
    }
  }

  // The marker that stood for the same before, back in its place, else a new one.
  keep(key, latlng, { before, make }) {
    const marker = before.get(key) ?? make();
    marker.getElement().classList.remove("held");
    if (!marker.getLatLng().equals(latlng, 0)) marker.setLatLng(latlng);
    this.marks.set(key, marker);
  }

  // The keyboard goes around the grid, whichever elements are new.
  putInOrder() {
    let next = null;
    for (const marker of [...this.marks.values()].reverse()) {
      const element = marker.getElement();
      if (element.nextSibling !== next) element.parentNode.insertBefore(element, next);
      next = element;
    }
  }

  // Where the keyboard is: after an edit the vertices are others, the place is the same.
  focused() {
    const element = document.activeElement?.closest?.(".vertex");
    if (!(element instanceof HTMLElement)) return null;
    const { lon, lat } = element.dataset;
    return this.awaited ?? (lon === undefined ? null : [Number(lon), Number(lat)]);
  }

  refocus(place) {
    if (!place) return;
    const [x, y] = toWorld(...place);
    /** @type {{away: number, element: HTMLElement} | null} */
    let best = null;
    for (const marker of this.layer.getLayers()) {
      const { lon, lat } = marker.getElement().dataset;
      if (lon === undefined) continue;
      const [mx, my] = toWorld(Number(lon), Number(lat));
      const away = Math.hypot(mx - x, my - y);
      if (!best || away < best.away) best = { away, element: marker.getElement() };
    }
    best?.element.focus({ preventScroll: true });
  }

  hide() {
    this.show(null);
  }

  vertex(id, before) {
    const point = this.tiling.points[id];
    const owners = this.ownersAt(id);
    const fixed = this.tiling.fixed.has(id);
    const latlng = latLngOf(point.lon, point.lat);
    this.keep([id, point.lon, point.lat, fixed, ...owners].join(), latlng, {
      before,
      make: () => this.newVertex(id, latlng, { owners, fixed }),
    });
  }

  newVertex(id, latlng, { owners, fixed }) {
    const point = this.tiling.points[id];
    const marker = this.marker(
      latlng,
      ["vertex", owners.length > 2 && "node", fixed && "fixed"].filter(Boolean).join(" "),
      fixed ? 11 : 14,
    );
    const element = marker.getElement();
    element.dataset.test = "planner-vertex";
    element.dataset.lon = point.lon;
    element.dataset.lat = point.lat;
    this.idOf.set(element, id);
    element.setAttribute("role", "button");
    element.setAttribute(
      "aria-label",
      t(fixed ? "planner.fixed_vertex_of" : "planner.vertex_of", { grids: owners.map(shortCode).join(" ") }),
    );
    this.follow(marker, () => (fixed ? this.tell.refused(id) : { id, from: [point.lon, point.lat] }));
    marker.on("contextmenu", (event) => {
      stop(event.originalEvent);
      if (!this.held) this.erase(id);
    });
    element.addEventListener("keydown", (event) => this.key(event, id));
    return marker;
  }

  midpoint(a, b, { scale, before }) {
    if (this.tiling.fixed.has(a) && this.tiling.fixed.has(b)) return;
    const [p, q] = [this.tiling.points[a], this.tiling.points[b]];
    if (Math.hypot(p.x - q.x, p.y - q.y) * scale < CROWDED_PX) return;
    const [lon, lat] = fromWorld((p.x + q.x) / 2, (p.y + q.y) / 2);
    const at = [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
    const latlng = latLngOf(lon, lat);
    this.keep(`${a}-${b} ${at}`, latlng, {
      before,
      make: () => this.newMidpoint(latlng, () => ({ id: this.tiling.bend(a, b, at), from: at, bent: [a, b] })),
    });
  }

  newMidpoint(latlng, take) {
    const marker = this.marker(latlng, "vertex middle", 12);
    const element = marker.getElement();
    element.dataset.test = "planner-midpoint";
    element.setAttribute("aria-label", t("planner.midpoint"));
    this.follow(marker, take);
    return marker;
  }

  // From the moment it leaves its place the marker goes where the pointer means, and tells so. `take` gives what is
  // held, null where it cannot be.
  follow(marker, take) {
    const element = marker.getElement();
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      // Taken at its edge it stays as far from the pointer as it was.
      const grip = map.latLngToContainerPoint(marker.getLatLng()).subtract(map.mouseEventToContainerPoint(event));
      carry(this.gesture, event, {
        pan: true,
        begin: () => this.lift(marker, take()),
        move: (other) => this.moveTo(marker, map.mouseEventToContainerPoint(other).add(grip), other.altKey),
        drop: () => this.drop(marker),
        back: () => this.back(marker),
      });
    });
  }

  lift(marker, held) {
    if (!held) return false;
    map.getContainer().classList.add("holding");
    marker.getElement().classList.add("held");
    this.held = { ...held, to: held.from, stood: marker.getLatLng() };
    this.tell.moving(held.id, held.from);
    return true;
  }

  // An answer has brought the grids anew while a midpoint hangs on the pointer: it is a vertex of theirs as well. False
  // where there is no such border any more.
  bendAgain() {
    const { held, tiling } = this;
    if (!held.bent || tiling.runsThrough(held.id)) return true;
    if (!tiling.sharing(...held.bent).length) return false;
    held.id = tiling.bend(...held.bent, held.from);
    this.tell.moving(held.id, held.to);
    return true;
  }

  moveTo(marker, pixel, free) {
    const place = this.snap(map.containerPointToLatLng(pixel), this.held.id, free);
    this.held.to = place.stored;
    marker.setLatLng(latLngOf(...place.stored));
    this.tell.moving(this.held.id, place.stored, place);
  }

  // The vertex under the pointer, for keys that mean it without a focus.
  underPointer() {
    const element = document.querySelector(".vertex[data-lon]:hover");
    return element ? this.idOf.get(element) : undefined;
  }

  erase(id) {
    const point = this.tiling.points[id];
    if (this.tiling.fixed.has(id)) this.tell.refused(id);
    else this.tell.erased([point.lon, point.lat], id);
  }

  marker(latlng, name, size) {
    const icon = divIcon(name, size);
    return new Handle(latlng, {
      icon,
      keyboard: true,
      zIndexOffset: name.includes("middle") ? 0 : 500,
    }).addTo(this.layer);
  }

  putDown(marker) {
    const { held } = this;
    map.getContainer().classList.remove("holding");
    marker.getElement()?.classList.remove("held");
    this.held = null;
    return held;
  }

  drop(marker) {
    const held = this.putDown(marker);
    if (held.bent) this.tell.bent(held, held.to);
    else this.tell.moved(held, held.to);
  }

  back(marker) {
    const held = this.putDown(marker);
    marker.setLatLng(held.stood);
    this.tell.back();
  }

  // Arrow keys move a focused vertex by two screen pixels, ten with Shift; Delete takes it out.
  key(event, id) {
    if (this.held) return;
    const point = this.tiling.points[id];
    const fixed = this.tiling.fixed.has(id);
    if (event.key === "Delete") {
      event.stopPropagation();
      this.erase(id);
      return;
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (fixed) {
      this.tell.refused(id);
      return;
    }
    const away = (event.shiftKey ? 10 : 2) / 2 ** map.getZoom();
    const [lon, lat] = fromWorld(point.x + step[0] * away, point.y + step[1] * away);
    this.awaited = [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
    this.tell.moving(id, this.awaited);
    this.tell.moved({ id, from: [point.lon, point.lat] }, this.awaited);
  }

  ownersAt(id) {
    return [...this.tiling.points[id].owners]
      .filter((code) => this.tiling.shapes.get(code)?.level !== "sub_grid")
      .sort();
  }
}
