// The map of the pages about plans: shapes on the stored ground, a legend, a tip under the pointer, faults told.
import { t } from "../config.js";
import { againButton, byId, byQuery, el } from "../dom.js";
import { Painted } from "../map/canvas.js";
import { hideWithPointer } from "../map/moment.js";
import { map, show } from "../map/place.js";
import { boxOf, storedOf, toWorld } from "../map/world.js";
import { keyOf, paintShapes, shapeAt } from "../draw/shapes.js";

export class Stage {
  constructor(tell) {
    this.shapes = [];
    // What is always drawn, below what is chosen, and what is painted over all.
    /** @type {any[]} */
    this.base = [];
    /** @type {((context: CanvasRenderingContext2D, view: any) => void) | null} */
    this.more = null;
    this.layer = new Painted((context, view) => this.paint(context, view)).addTo(map);
    const tip = byId("tip");
    this.tip = tip;
    map.on("mousemove", (event) => {
      const words = this.under(event) && tell ? tell(this.under(event)) : "";
      tip.hidden = !words;
      tip.textContent = words;
      tip.style.left = `${event.containerPoint.x + 14}px`;
      tip.style.top = `${event.containerPoint.y + 14}px`;
    });
    hideWithPointer(() => (tip.hidden = true));
  }

  under(event) {
    return shapeAt(this.shapes, toWorld(...storedOf(event.latlng)));
  }

  paint(context, view) {
    paintShapes(context, this.shapes, view);
    this.more?.(context, view);
  }

  draw(shapes) {
    this.shapes = shapes;
    this.tip.hidden = true;
    this.layer.redraw();
  }
}

// The whole of some features on the screen; where there are none, the place of others.
export function showAll(features, others = []) {
  const shown = features.filter((feature) => feature.geometry);
  show(boxOf((shown.length ? shown : others).map((feature) => feature.geometry)), { maxZoom: 17, padding: [40, 40] });
}

export function showOne(feature) {
  if (feature?.geometry) show(boxOf([feature.geometry]), { maxZoom: 18, padding: [80, 80], animate: true });
}

export function legend(looks) {
  byId("legend").append(
    ...looks.map((name) => el("div", { class: "key" }, keyOf(name), el("span", {}, t(`difference.look_${name}`)))),
  );
}

// On a small screen the legend begins closed: the map comes first.
if (matchMedia("(max-width: 900px)").matches) byId("legend").open = false;

export function ready() {
  byId("main").dataset.test = "ready";
}

// Why there is nothing to see; `way` is where to go instead of trying again.
/** @type {(problem: any, instead?: {title?: string, way?: HTMLElement}) => void} */
export function failed(problem, { title, way } = {}) {
  document.querySelector(".veil .skeleton")?.remove();
  const box = byId("failed");
  box.querySelector("p").textContent = problem.message;
  if (title) box.querySelector("h2").textContent = title;
  box.querySelector("button").replaceWith(way ?? againButton(problem, () => location.reload(), { class: "main" }));
  box.hidden = false;
  byQuery(".panel").hidden = true;
  if (!way) console.error(problem);
}
