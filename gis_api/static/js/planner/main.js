// The planner: draws a plan's grids, lets tools change them through the server's operations, shows what follows.
import { config, t } from "../config.js";
import { againButton, byId, byTest } from "../dom.js";
import { flash, goTo } from "../map/flash.js";
import { map, show } from "../map/place.js";
import { SearchBox } from "../map/search.js";
import { Editor } from "./editor.js";
import { showPlans } from "../parts/plan_list.js";
import { PlanStore } from "./store.js";
import { nameAfter } from "../model/names.js";
import { Tiling } from "../model/tiling.js";
import { getTopology } from "./topology.js";
import { Together } from "./together.js";

// What is open here: for whoever imports this module beside the page, as the console and the tests do.
/** @type {{editor: Editor | null}} */
export const opened = { editor: null };

const main = byId("main");
const ready = () => {
  main.dataset.test = "ready";
};

async function open(id) {
  const store = new PlanStore(id);
  const tiling = new Tiling();
  const [plan, topology] = await Promise.all([store.load(), getTopology(store.path)]);
  // An edit that came between the two answers is heard of later, from the older version on.
  store.version = Math.min(store.version, topology.version);
  tiling.load(topology);
  nameAfter(tiling, (code) => store.plan.areas[tiling.shapes.get(tiling.gridOf(code))?.parent]);
  show(topology.box ?? []);
  const editor = new Editor(store, tiling, plan);
  opened.editor = editor;
  new SearchBox({ plan: id, chosen: (one) => found(editor, one) });
  new Together(editor);
  ready();
  editor.refreshFigures();
}

// What was found is shown; the grid it is, or lies in, is selected.
function found(editor, one) {
  if (editor.tiling.shapes.has(one.code)) {
    editor.goTo(one.code);
    flash(one.point);
    return;
  }
  goTo(one);
  if (editor.tiling.shapes.has(one.grid)) editor.choose(one.grid);
}

function failed(problem) {
  document.querySelector(".veil .skeleton")?.remove();
  const box = byId("failed");
  box.querySelector("p").textContent = problem.message;
  box.querySelector("button").replaceWith(againButton(problem, () => location.reload(), { class: "main" }));
  box.hidden = false;
  console.error(problem);
}

if (config.plan) {
  open(config.plan).catch(failed);
} else {
  const dialog = byId("plans");
  main.classList.add("choosing");
  dialog.show();
  await showPlans(dialog.querySelector(".list"));
  document.querySelector(".veil .skeleton")?.remove();
  byTest("planner-publish").hidden = true;
  ready();
}

map.on("contextmenu", (event) => event.originalEvent.preventDefault());
if (config.person.role !== "planner") byId("read-only").textContent = t("planner.read_only");
