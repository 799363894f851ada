// What hangs on the pointer, on a canvas of its own that is no larger than what it shows: each frame of a drag then
// changes some pixels of the screen and not the whole map, which without a graphics card is most of a frame's work.
import { paintNever, paintSoon } from "../map/frame.js";
import { Layer, moveTo, pointOf } from "../map/leaflet.js";

const MARGIN_PX = 24;
// Room that is taken at once when it has to grow, so that it does not grow with every step of the pointer.
const SLACK_PX = 96;

/** @type {new (...args: any[]) => any} */
export const PointerLayer = Layer.extend({
  options: { pane: "shadowPane" },

  // `box` gives the box (world units) of what `paint(context, view)` paints, null while the hand is empty.
  initialize(box, paint) {
    this._box = box;
    this._paint = paint;
  },

  onAdd() {
    this._canvas = document.createElement("canvas");
    this._canvas.className = "painted leaflet-zoom-hide";
    this._canvas.hidden = true;
    this._context = this._canvas.getContext("2d");
    this.getPane().append(this._canvas);
  },

  onRemove() {
    paintNever(this);
    this._canvas.remove();
  },

  getEvents() {
    return { zoomend: this._renew, moveend: this.redraw };
  },

  redraw() {
    return paintSoon(this);
  },

  _renew() {
    this._place = null;
    this.redraw();
  },

  _draw() {
    const box = this._box();
    this._canvas.hidden = !box;
    if (!box) {
      this._place = null;
      return;
    }
    const zoom = this._map.getZoom();
    const scale = 2 ** zoom;
    const origin = this._map.getPixelOrigin();
    const wanted = this._onScreen(box.map((side, i) => side * scale - (i % 2 ? origin.y : origin.x)));
    if (!this._place || !holds(this._place, wanted)) this._put(this._onScreen(wanted, SLACK_PX));
    const [left, top, right, bottom] = this._place;
    const ratio = window.devicePixelRatio || 1;
    const context = this._context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this._canvas.width, this._canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const view = { zoom, scale, x: origin.x + left, y: origin.y + top, size: pointOf(right - left, bottom - top) };
    view.box = [view.x / scale, view.y / scale, (origin.x + right) / scale, (origin.y + bottom) / scale];
    this._paint(context, view);
  },

  // A box in pixels of the map with a margin, as far as it is on the screen.
  _onScreen([left, top, right, bottom], more = MARGIN_PX) {
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    const size = this._map.getSize();
    return [
      Math.floor(Math.max(left - more, corner.x - MARGIN_PX)),
      Math.floor(Math.max(top - more, corner.y - MARGIN_PX)),
      Math.ceil(Math.min(right + more, corner.x + size.x + MARGIN_PX)),
      Math.ceil(Math.min(bottom + more, corner.y + size.y + MARGIN_PX)),
    ];
  },

  _put(place) {
    this._place = place;
    const [left, top, right, bottom] = place;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
    Object.assign(this._canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this._canvas.style, { width: `${width}px`, height: `${height}px` });
    moveTo(this._canvas, pointOf(left, top));
  },
});

const holds = (outer, inner) =>
  inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];
