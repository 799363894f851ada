// The incidents of the last months under another plan: how many would have gone elsewhere, and where.
import { call } from "../api.js";
import { config, number, t } from "../config.js";
import { byId, byQuery, el, fill } from "../dom.js";
import { colour } from "../map/colours.js";
import { toWorld } from "../map/world.js";
import { shapeOf } from "../draw/shapes.js";
import { failed, legend, ready, showAll, showOne, Stage } from "./stage.js";
import { pathOf } from "../parts/plan_steps.js";
import { sortable } from "./table.js";

const DAY_MS = 86_400_000;
const MONTHS_BACK = 3;
const span = byId("span");
/** @type {Stage | null} */
let stage = null;

const dayOf = (moment) =>
  [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");

function begin() {
  const today = new Date();
  const back = new Date(today);
  back.setMonth(back.getMonth() - MONTHS_BACK);
  span.elements.since.value = dayOf(back);
  span.elements.until.value = dayOf(today);
  span.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
}

// Whole days of the reader's clock; the last one counts too.
function asked() {
  const since = new Date(`${span.elements.since.value}T00:00`);
  const until = new Date(new Date(`${span.elements.until.value}T00:00`).getTime() + DAY_MS);
  return { since: since.toISOString(), until: until.toISOString() };
}

async function ask() {
  const message = byId("message");
  message.hidden = true;
  try {
    const { data } = await call("POST", `${pathOf(config.plan)}/replay`, { body: asked() });
    draw(data);
  } catch (problem) {
    message.textContent = problem.message;
    message.hidden = false;
    if (!stage) throw problem;
  }
}

function draw(told) {
  byId("place").textContent = told.title || t("plans.of_district", { district: told.district_name || told.district });
  byId("lead").textContent = t("replay.lead");
  const share = told.incidents ? `${Math.round((told.elsewhere / told.incidents) * 1000) / 10}%` : "—";
  fill(
    byId("figures"),
    [
      [number(told.incidents), "incidents"],
      [number(told.elsewhere), "elsewhere"],
      [share, "share"],
    ].map(([value, key]) => el("div", {}, el("b", {}, value), el("span", {}, t(`replay.${key}`)))),
  );
  byId("privacy").textContent = told.where ? t("replay.with_points") : t("replay.without_points");
  const shapes = told.grids.features.map((feature) => shapeOf(feature, "reshaped"));
  if (!stage) {
    stage = new Stage(({ properties }) =>
      t("replay.tip", { grid: properties.name || properties.code, n: number(properties.incidents) }),
    );
    legend(["reshaped"]);
    byQuery("#legend .key span").textContent = t("replay.receiving");
  }
  const points = (told.where?.coordinates ?? []).map(([lon, lat]) => toWorld(lon, lat));
  stage.more = (context, view) => paintPoints(context, points, view);
  stage.draw(shapes);
  showAll(told.grids.features);
  moves(told);
}

function paintPoints(context, points, view) {
  context.fillStyle = colour("bad");
  context.strokeStyle = colour("paper");
  context.lineWidth = 1.2;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x * view.scale - view.x, y * view.scale - view.y, 4.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

function moves(told) {
  if (!told.moves.length) {
    fill(byId("moves"), el("p", { class: "empty" }, t(told.incidents ? "replay.none_elsewhere" : "replay.none")));
    return;
  }
  const features = new Map(told.grids.features.map((feature) => [feature.id, feature]));
  sortable(byId("moves"), {
    columns: [
      { key: "from", words: t("difference.from"), value: (row) => row.from ?? "" },
      { key: "to", words: t("difference.to"), value: (row) => row.to ?? t("difference.nobody") },
      { key: "incidents", words: t("replay.incidents"), value: (row) => row.incidents, sum: true },
    ],
    rows: told.moves,
    by: "incidents",
    test: "replay-moves",
    mark: (row) => ({ "data-from": row.from ?? "", "data-to": row.to ?? "" }),
    choose: (row) => showOne(features.get(row.to)),
  });
}

begin();
ask().then(async () => {
  // Without anything on the map its place is still to be shown: that of the district's grids in force.
  if (document.querySelector(".veil")) await place();
  ready();
}, failed);

async function place() {
  const { data } = await call("GET", `/api/v1/areas?limit=1000&area=${encodeURIComponent(config.person.area)}`);
  showAll(data.features);
  document.querySelector(".veil")?.remove();
}
