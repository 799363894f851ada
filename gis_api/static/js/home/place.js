// The dispatcher's map: a click fills in the place of a report, an answer is shown where it is.
import { getFeatures } from "../api.js";
import { config, t } from "../config.js";
import { Painted } from "../map/canvas.js";
import { colour, faint } from "../map/colours.js";
import { goTo } from "../map/flash.js";
import { map, show as showBox } from "../map/place.js";
import { SearchBox } from "../map/search.js";
import { boxOf, latLngOf, storedOf, toWorld } from "../map/world.js";
import { outline, paintBorders, paintLabels } from "../draw/paint.js";
import { Tiling } from "../model/tiling.js";

const CLOSE_ZOOM = 18;

export async function show(body) {
  const features = await getFeatures(`/api/v1/grids?area=${encodeURIComponent(config.person.area)}&limit=10000`);
  const tiling = new Tiling();
  tiling.add(features.filter((feature) => feature.geometry));
  tiling.rebuild();
  if (!tiling.shapes.size) throw new Error(t("place.none"));
  /** @type {{place: [number, number] | null, code: string | null}} */
  const chosen = { place: null, code: null };
  const painted = new Painted((context, view) => paint(context, view, tiling, chosen));
  showBox(boxOf(features.map((feature) => feature.geometry)));
  map.addLayer(painted);
  map.on("click", (event) => {
    choose(storedOf(event.latlng));
    tell({ place: storedOf(event.latlng), code: tiling.at(...toWorld(...storedOf(event.latlng)), "grid")?.code });
  });
  document.addEventListener("place-told", (told) => {
    if (!(told instanceof CustomEvent)) return;
    const { position, grid } = told.detail;
    tell({ place: [position.lon, position.lat], code: grid?.code });
    map.setView(latLngOf(position.lon, position.lat), Math.max(map.getZoom(), CLOSE_ZOOM));
  });
  // A place found by its name stands for a click there: the report gets its position.
  new SearchBox({
    chosen: (one) => {
      goTo(one);
      choose(one.point);
      tell({ place: one.point, code: one.grid });
    },
  });
  function tell(found) {
    Object.assign(chosen, found);
    body.querySelector(".map").dataset.code = found.code ?? "";
    painted.redraw();
  }
}

// Every form of the page that asks for a position gets this one, in the datum of the map's stored positions.
function choose([lon, lat]) {
  for (const form of document.forms) {
    /** @type {any} */
    const { elements } = form;
    if (!elements.lon) continue;
    elements.lon.value = lon.toFixed(7);
    elements.lat.value = lat.toFixed(7);
    elements.datum.value = "wgs84";
  }
}

function paint(context, view, tiling, { place, code }) {
  paintBorders(context, tiling, view, { subGrids: true });
  const shape = tiling.shapes.get(code);
  if (shape)
    outline(context, tiling, [shape], view, { fill: faint("accent", 0.12), stroke: colour("accent"), width: 3 });
  paintLabels(context, tiling, view, { second: () => ({ text: "" }) });
  if (place) mark(context, toWorld(...place), view);
}

// A triangle in a ring, as incidents are marked: told by its shape, not by its colour alone.
function mark(context, [x, y], view) {
  const [px, py] = [x * view.scale - view.x, y * view.scale - view.y];
  context.beginPath();
  context.arc(px, py, 17, 0, 2 * Math.PI);
  context.fillStyle = faint("bad", 0.2);
  context.fill();
  context.beginPath();
  context.moveTo(px, py - 10);
  context.lineTo(px + 10, py + 7);
  context.lineTo(px - 10, py + 7);
  context.closePath();
  context.fillStyle = colour("bad");
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = colour("halo");
  context.stroke();
}
