// What is in one grid, as far as the reader may know: a part that may not be read says so and the rest stays.
import { untilThere } from "../again.js";
import { get, getFeatures } from "../api.js";
import { config, measure, number, t } from "../config.js";
import { againButton, barRow, byId, byQuery, el, failureBox, fill } from "../dom.js";
import { colour, faint } from "../map/colours.js";
import { map, show } from "../map/place.js";
import { boxOf } from "../map/world.js";
import { Painted } from "../map/canvas.js";
import { outline, paintBorders, paintLabels } from "../draw/paint.js";
import { shortCode } from "../model/names.js";
import { Tiling, levelOf } from "../model/tiling.js";
import { categoriesOf, incidentRow } from "../parts/incident.js";

// Who may read single cases; everybody else sees how many there were.
const CASE_READERS = ["dispatcher", "worker", "unit", "admin", "auditor"];
const { code } = config;
const gridCode = /^\d{17}$/.test(code) ? code.slice(0, 15) : code;

async function open() {
  const features = (await getFeatures(`/api/v1/grids?area=${encodeURIComponent(gridCode)}&limit=200`)).filter(
    (feature) => feature.geometry,
  );
  const here = features.find((feature) => feature.properties.code === code);
  if (!here) throw new Error(t("grid.missing", { code }));
  draw(here, features);
  head(here.properties);
  parts(features.filter((feature) => feature !== here && levelOf(feature.properties) === "sub_grid"));
  await Promise.all([team(), hazards(), incidents()]);
}

function draw(here, features) {
  const box = boxOf([here.geometry]);
  show(box, { padding: [90, 90], maxZoom: 19 });
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  const around = [box[0] - width, box[1] - height, box[2] + width, box[3] + height];
  const tiling = new Tiling();
  tiling.add(features);
  tiling.rebuild();
  const second = () => ({ text: "" });
  const painted = new Painted((context, view) => {
    const shape = tiling.shapes.get(code);
    paintBorders(context, tiling, view, { subGrids: true });
    outline(context, tiling, [shape], view, { fill: faint("accent", 0.12), stroke: colour("accent"), width: 3.5 });
    paintLabels(context, tiling, view, { second });
  });
  map.addLayer(painted);
  const beside = untilThere(() => getFeatures(`/api/v1/grids?bbox=${around.join()}&limit=2000`));
  beside.then(
    (near) => {
      tiling.add((near ?? []).filter(({ geometry, properties }) => geometry && !tiling.shapes.has(properties.code)));
      tiling.rebuild();
      painted.redraw();
    },
    () => null,
  );
}

function head(properties) {
  byId("grid-place").textContent = properties.code;
  byId("grid-name").textContent =
    properties.name && properties.name !== properties.code ? properties.name : shortCode(properties.code);
  byId("grid-path").textContent = [properties.code, t(`grid.${kindOf(properties)}`)].join(" · ");
  const figures = [
    ["households", properties.households],
    ["buildings", properties.buildings],
    ["area", properties.area_m2],
  ];
  fill(
    byId("grid-figures"),
    figures.map(([key, value]) =>
      el("div", {}, el("b", {}, key === "area" ? measure(value) : number(value)), el("span", {}, t(`grid.${key}`))),
    ),
  );
}

function kindOf(properties) {
  if (levelOf(properties) === "sub_grid") return "sub_grid";
  return properties.kind === "dedicated" ? "dedicated" : "base";
}

function parts(features) {
  const most = Math.max(1, ...features.map((feature) => feature.properties.households ?? 0));
  fill(
    byId("parts"),
    features.map(({ properties }) =>
      barRow(shortCode(properties.code), {
        share: (properties.households ?? 0) / most,
        colour: "var(--accent)",
        figure: number(properties.households),
        note: "",
      }),
    ),
  );
  byId("parts-title").textContent = t(code === gridCode ? "grid.parts" : "grid.siblings");
  byId("parts").closest("section").hidden = !features.length;
}

// A part of the page: what may not be read is told, what is empty too.
async function part(id, work) {
  try {
    fill(byId(id), await work());
  } catch (problem) {
    const again = () => part(id, work);
    fill(
      byId(id),
      problem.status === 403 ? el("p", { class: "quiet" }, t("grid.not_yours")) : failureBox(problem, again),
    );
  }
}

function team() {
  return part("team", async () => {
    const { assignments } = await get(`/api/v1/assignments?area=${encodeURIComponent(code)}`);
    if (!assignments.length) return el("p", { class: "empty" }, t("grid.nobody"));
    return el(
      "dl",
      { class: "facts" },
      assignments.map((one) => [
        el("dt", {}, t(`roles_in_grid.${one.role}`)),
        el("dd", {}, one.name, one.grid === code ? "" : ` · ${shortCode(one.grid)}`),
      ]),
    );
  });
}

// The count of the last thirty days, which every role may know.
async function counted(layer) {
  const query = new URLSearchParams({ format: "json", layer, cell: "grid", area: gridCode });
  const { cells } = await get(`/api/v1/heat?${query}`);
  const n = cells.find((cell) => cell.cell === gridCode)?.n;
  return n ? el("p", {}, t("grid.n_last_30", { n: number(n) })) : el("p", { class: "empty" }, t("grid.none"));
}

function hazards() {
  return part("hazards", () => counted("hazards"));
}

function incidents() {
  return part("incidents", async () => {
    if (!CASE_READERS.includes(config.person.role)) return counted("incidents");
    const since = new Date(Date.now() - 30 * 86_400_000);
    const query = new URLSearchParams({ area: gridCode, since: since.toISOString(), limit: "10" });
    const { incidents: list } = await get(`/api/v1/incidents?${query}`);
    if (!list.length) return el("p", { class: "empty" }, t("grid.none"));
    const names = new Map(await categoriesOf());
    return el(
      "ul",
      { class: "rows" },
      list.map((incident) => incidentRow(incident, names)),
    );
  });
}

open().then(
  () => {
    byId("main").dataset.test = "ready";
  },
  (problem) => {
    document.querySelector(".veil .skeleton")?.remove();
    const box = byId("failed");
    box.querySelector("p").textContent = problem.message;
    box.querySelector("button").replaceWith(againButton(problem, () => location.reload(), { class: "main" }));
    box.hidden = false;
    byQuery(".panel").hidden = true;
  },
);
