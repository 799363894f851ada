// What differs between two plans: on the map, and as tables of what changes hands.
import { get } from "../api.js";
import { config, number, t } from "../config.js";
import { byId, el, fill } from "../dom.js";
import { versionOf } from "../parts/plan_list.js";
import { showHandover } from "./handover.js";
import { shapeOf } from "../draw/shapes.js";
import { failed, legend, ready, showAll, showOne, Stage } from "./stage.js";
import { pathOf } from "../parts/plan_steps.js";
import { sortable } from "./table.js";

const path = pathOf(config.plan);

async function open() {
  const [told, plan] = await Promise.all([
    get(`${path}/diff?against=${encodeURIComponent(config.against)}`),
    get(path),
  ]);
  const other = await get(pathOf(told.against.id));
  const name = plan.title || t("plans.of_district", { district: plan.district_name || plan.district });
  byId("place").textContent = name;
  byId("between").textContent = t("difference.between", {
    newer: `${name} ${versionOf(plan)}`,
    older: versionOf(other),
  });
  fill(byId("ways"), el("a", { class: "button", href: `/plans/${plan.id}` }, t("difference.to_plan")));
  figures(told);
  const stage = draw(told, await around(other, told));
  moves(told, stage);
  listGrids(told);
  fill(
    byId("unserved"),
    told.unserved.length
      ? el(
          "p",
          { class: "message", "data-test": "unserved" },
          t("plan.n_unserved", { n: number(told.unserved.length) }),
        )
      : null,
  );
  await showHandover(byId("handover"), plan, other.id);
}

// Where nothing differs the map still shows the district.
async function around(other, told) {
  return told.map.features.length ? [] : (await get(`${pathOf(other.id)}/grids?level=grid`)).features;
}

function figures(told) {
  const parts = new Set(
    told.map.features.filter((feature) => feature.properties.level !== "grid").map((feature) => feature.id),
  );
  const lists = ["added", "removed", "reshaped"].map((key) => {
    const m = told[key].filter((code) => parts.has(code)).length;
    return [
      told[key].length - m,
      m ? t("difference.with_parts", { what: t(`planner.grids_${key}`), n: number(m) }) : t(`planner.grids_${key}`),
    ];
  });
  const sums = ["buildings", "households", "workers", "incidents"].map((key) => [told[key], t(`difference.${key}`)]);
  fill(
    byId("figures"),
    [...lists, ...sums].map(([value, words]) => el("div", {}, el("b", {}, number(value)), el("span", {}, words))),
  );
}

let features = new Map();
let ground = [];

function draw(told, others) {
  const grids = told.map.features.filter((feature) => feature.properties.level === "grid");
  const parts = told.map.features.filter(
    (feature) => feature.properties.level !== "grid" && !grids.some((grid) => feature.id.startsWith(grid.id)),
  );
  features = new Map(told.map.features.map((feature) => [feature.id, feature]));
  const order = ["reshaped", "removed", "added"];
  const drawn = [...grids, ...parts]
    .filter((feature) => feature.geometry)
    .sort((a, b) => order.indexOf(a.properties.change) - order.indexOf(b.properties.change));
  const base = [
    ...others.filter((feature) => feature.geometry).map((feature) => shapeOf(feature, "plain")),
    ...drawn.map((feature) => shapeOf(feature)),
    ...told.ground.features
      .filter((feature) => feature.properties.change === "gained")
      .map((feature) => shapeOf(feature, "moved")),
  ];
  const stage = new Stage(({ properties, look }) =>
    [properties.code, properties.name, look === "plain" ? "" : t(`difference.look_${look}`)]
      .filter(Boolean)
      .join(" · "),
  );
  stage.base = base;
  stage.draw(base);
  ground = told.ground.features;
  legend(["added", "removed", "reshaped", "moved", "gained", "lost"]);
  showAll(drawn, others);
  return stage;
}

function nameOf(code, name, { short_codes: short_of, communities }) {
  if (!code) return el("span", { class: "quiet" }, t("difference.nobody"));
  const words = [short_of[code] ?? code, communities[code]].filter(Boolean).join(" · ");
  const short = el("span", { class: "quiet", title: code }, words);
  return name && name !== code ? [el("span", {}, name), el("br"), short] : short;
}

function moves(told, stage) {
  // Rows of noughts say nothing, and there may be hundreds of them.
  const rows = told.moves.filter((row) => row.buildings || row.households || row.workers || row.incidents);
  const rest = told.moves.length - rows.length;
  const note = rest ? el("p", { class: "quiet" }, t("difference.ground_only", { n: number(rest) })) : null;
  if (!rows.length) {
    fill(byId("moves"), note ?? el("p", { class: "empty" }, t("difference.no_moves")));
    return;
  }
  const sums = ["buildings", "households", "workers", "incidents"].map((key) => ({
    key,
    words: t(`difference.${key}`),
    value: (row) => row[key],
    sum: true,
  }));
  sortable(byId("moves"), {
    columns: [
      {
        key: "from",
        words: t("difference.from"),
        value: (row) => row.from ?? "",
        shown: (row) => nameOf(row.from, row.from_name, told),
      },
      {
        key: "to",
        words: t("difference.to"),
        value: (row) => row.to ?? "",
        shown: (row) => nameOf(row.to, row.to_name, told),
      },
      ...sums,
    ],
    rows,
    by: "households",
    test: "moves",
    mark: (row) => ({ "data-from": row.from ?? "", "data-to": row.to ?? "" }),
    choose: (row) => pointAt(stage, [row.from, row.to]),
  });
  if (note) byId("moves").append(note);
}

function pointAt(stage, codes) {
  const found = codes.map((code) => features.get(code)).filter(Boolean);
  // Of the two grids chosen: what each gains and loses.
  const own = ground.filter((feature) => codes.includes(feature.properties.code));
  stage.draw([
    ...stage.base.filter((shape) => shape.look !== "moved"),
    ...own.map((feature) => shapeOf(feature)),
    ...found.map((feature) => shapeOf(feature, "chosen")),
  ]);
  showOne(found.at(-1));
}

function listGrids(told) {
  const lists = ["added", "removed", "reshaped", "renamed"].filter((key) => told[key].length);
  fill(
    byId("grids"),
    lists.length
      ? lists.map((key) =>
          el(
            "details",
            { open: told[key].length <= 12 },
            el(
              "summary",
              {},
              t("difference.list_of", { what: t(`difference.look_${key}`), n: number(told[key].length) }),
            ),
            el("p", { class: "quiet" }, told[key].slice(0, 300).join(t("planner.and"))),
          ),
        )
      : el("p", { class: "empty" }, t("plan.no_changes")),
  );
}

open().then(ready, failed);
