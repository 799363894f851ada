// A canvas layer that one function paints; Leaflet keeps it in place while the map moves and zooms.
import { paintNever, paintSoon } from "./frame.js";
import { moveTo, Renderer } from "./leaflet.js";

/** @type {new (...args: any[]) => any} */
export const Painted = Renderer.extend({
  options: { padding: 0.12 },

  initialize(paint, options) {
    this._paint = paint;
    Renderer.prototype.initialize.call(this, options);
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._container.className = "painted";
    this._context = this._container.getContext("2d");
  },

  _destroyContainer() {
    paintNever(this);
    this._container.remove();
    delete this._container;
  },

  _updatePaths() {},

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    Renderer.prototype._update.call(this);
    const size = this._bounds.getSize();
    const ratio = window.devicePixelRatio || 1;
    moveTo(this._container, this._bounds.min);
    this._container.width = Math.round(size.x * ratio);
    this._container.height = Math.round(size.y * ratio);
    this._container.style.width = `${size.x}px`;
    this._container.style.height = `${size.y}px`;
    this._draw();
  },

  _draw() {
    if (!this._map || !this._bounds) return;
    const ratio = window.devicePixelRatio || 1;
    const size = this._bounds.getSize();
    const context = this._context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this._container.width, this._container.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this._paint(context, this.view(size));
  },

  // How world pixels at zoom 0 come onto this canvas: canvas = world * scale - origin; box is the visible world.
  /** @this {any} */
  view(size = this._bounds.getSize()) {
    const zoom = this._map.getZoom();
    const scale = 2 ** zoom;
    const origin = this._map.getPixelOrigin().add(this._bounds.min);
    const box = [origin.x / scale, origin.y / scale, (origin.x + size.x) / scale, (origin.y + size.y) / scale];
    return { zoom, scale, x: origin.x, y: origin.y, box, size };
  },

  redraw() {
    return paintSoon(this);
  },
});
