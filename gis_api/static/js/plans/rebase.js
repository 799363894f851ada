// A draft beside a newer plan: what comes over by itself, and each conflict with both sides, to be decided.
import { call, get } from "../api.js";
import { config, number, t } from "../config.js";
import { byId, el, fill } from "../dom.js";
import { shapeOf } from "../draw/shapes.js";
import { failed, legend, ready, showAll, showOne, Stage } from "./stage.js";
import { pathOf } from "../parts/plan_steps.js";

const path = pathOf(config.plan);
const MOST_NAMED = 12;
const MOST_OPEN = 12;
const decisions = new Map();
/** @type {Record<string, any>} what the service told of it */
let told;
/** @type {Stage | undefined} */
let stage;

async function open() {
  told = await get(`${path}/rebase`);
  fill(byId("ways"), el("a", { class: "button", href: `/plans/${config.plan}` }, t("difference.to_plan")));
  byId("lead").textContent = t("rebase.lead", {
    n: told.onto.plan_version ?? told.onto.id,
    incoming: number(told.incoming.features.length),
    kept: number(told.kept.features.length),
  });
  fill(byId("gone"), ["incoming", "kept"].map(gonePart));
  stage ??= begin();
  list();
  draw();
  showAll(
    [...told.conflicts.flatMap((one) => [...one.yours.features, ...one.theirs.features]), ...told.incoming.features],
    told.kept.features,
  );
  allow();
}

function begin() {
  legend(["theirs", "yours", "added", "removed", "reshaped"]);
  return new Stage(({ properties, look }) =>
    [properties.code, properties.name, t(`difference.look_${look}`)].filter(Boolean).join(" · "),
  );
}

function draw(chosen = null) {
  const quiet = [...told.incoming.features, ...told.kept.features].filter(
    (feature) => feature.geometry && feature.properties.level === "grid",
  );
  const shapes = quiet.map((feature) => shapeOf(feature));
  for (const one of told.conflicts) {
    if (chosen && one.id !== chosen) continue;
    for (const side of ["theirs", "yours"])
      shapes.push(...one[side].features.filter((feature) => feature.geometry).map((feature) => shapeOf(feature, side)));
  }
  stage?.draw(shapes);
}

function list() {
  const { conflicts } = told;
  byId("conflict-lead").textContent = conflicts.length ? t("rebase.decide_each") : t("rebase.no_conflicts");
  fill(byId("conflicts"), conflicts.map(entry));
}

function entry(one) {
  const choice = (value) =>
    el(
      "label",
      { class: "tick" },
      el("input", { type: "radio", name: `of-${one.id}`, value, onchange: () => decide(one, value) }),
      el("span", {}, t(`rebase.${value}`)),
    );
  const look = () => {
    for (const other of document.querySelectorAll(".groups li.chosen")) other.classList.remove("chosen");
    made.classList.add("chosen");
    draw(one.id);
    showOne(one.yours.features[0] ?? one.theirs.features[0]);
  };
  const made = el(
    "li",
    { "data-group": one.id },
    el("b", {}, t(`rebase.reason_${one.reason}`)),
    el("p", {}, t("rebase.yours", { what: inWords(one.yours, one.gone.yours) })),
    el("p", {}, t("rebase.theirs", { what: inWords(one.theirs, one.gone.theirs) })),
    el("div", {}, choice("skip"), choice("redo")),
    el("div", {}, el("button", { type: "button", class: "small", onclick: look }, t("planner.locate"))),
  );
  return made;
}

// What goes is told by community: a plan without sub-grids takes away hundreds at once.
function gonePart(side) {
  const rows = told.gone[side];
  if (!rows.length) return null;
  const lines = rows.map((one) => el("li", {}, t("rebase.gone", { where: placeOf(one), what: numbersOf(one) })));
  return el(
    "details",
    { open: rows.length <= MOST_OPEN },
    el("summary", {}, t(`rebase.gone_${side}`)),
    el("ul", {}, lines),
  );
}

const placeOf = ({ name }) => name ?? t("rebase.elsewhere");

const numbersOf = (one) =>
  ["grids", "sub_grids", "overlays"]
    .filter((key) => one[key])
    .map((key) => t(`rebase.gone_${key}`, { n: number(one[key]) }))
    .join(t("planner.and"));

function inWords({ features }, gone) {
  const staying = features.filter(({ properties }) => properties.change !== "removed");
  const names = staying
    .slice(0, MOST_NAMED)
    .map(({ properties }) => `${t(`difference.look_${properties.change}`)} ${properties.name || properties.code}`);
  if (staying.length > MOST_NAMED) names.push(t("rebase.more", { n: number(staying.length - MOST_NAMED) }));
  for (const one of gone) names.push(t("rebase.gone_here", { where: placeOf(one), what: numbersOf(one) }));
  return names.length ? names.join(t("planner.and")) : t("rebase.nothing");
}

function decide(one, value) {
  decisions.set(one.id, value);
  allow();
}

function allow() {
  byId("go").disabled = told.conflicts.some((one) => !decisions.has(one.id));
}

byId("go").addEventListener("click", async () => {
  byId("go").disabled = true;
  try {
    await call("POST", `${path}/rebase`, { body: { decisions: Object.fromEntries(decisions) }, version: told.version });
    location.assign(`/planner?plan=${encodeURIComponent(config.plan)}`);
  } catch (problem) {
    byId("message").className = "message bad";
    byId("message").textContent = problem.message;
    byId("message").hidden = false;
    // What breaks only together shows when it is tried: there may be more to decide now.
    await open().catch(failed);
  }
});

// A draft that stands on the latest plan has nothing to bring over: no failure, and no use in trying again.
function nothingToDo(problem) {
  failed(problem, {
    title: t("rebase.nothing_to_do"),
    way: el("a", { class: "button main", href: `/plans/${encodeURIComponent(config.plan)}` }, t("difference.to_plan")),
  });
  ready();
}

open().then(ready, (problem) => (problem.code === "base_is_latest" ? nothingToDo(problem) : failed(problem)));
