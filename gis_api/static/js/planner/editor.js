// The desk's middle: the grids under the pointer, the selection, the chosen tool (tools/), and edits with their
// answers.
import { byId } from "../dom.js";
import { config, t } from "../config.js";
import { map, show, showLayer } from "../map/place.js";
import { boundsOf, boxOf, storedOf, toWorld } from "../map/world.js";
import { HouseholdFigures } from "./household_figures.js";
import { Desk } from "./desk.js";
import { HouseholdPreview } from "./household_preview.js";
import { watchBetween } from "./carrying.js";
import { Gesture } from "./gesture.js";
import { GridCard } from "./gridcard.js";
import { isTyped } from "./keys.js";
import { Layers } from "./layers.js";
import { partsOthers } from "./operations/registry.js";
import { waysOn } from "./pieces.js";
import { figuresOf } from "./panel.js";
import { Published } from "./published.js";
import { Toolbar } from "./toolbar.js";
import { Scene } from "./scene.js";
import { Sketch } from "./sketch.js";
import { Snapper, WALLS_FROM } from "./snap.js";
import { Streets } from "./streets.js";
import { Tip } from "./tip.js";
import { getTopology } from "./topology.js";
import { TOOLS } from "./tools/list.js";
import { shapeName } from "./words.js";

const MOST_MARKS = 2000;
// An overlay is taken by its outline: inside it the grids below are meant, unless overlays are what is selected.
const OUTLINE_PX = 7;
// Enter on a button there presses the button, whatever is being drawn.
const ELSEWHERE = ".panel, .bar, .toast, .layers";

/** @typedef {{before?: (answer: any) => void, refused?: (problem: any) => void, operation?: any}} Ways */

export class Editor {
  constructor(store, tiling, plan) {
    this.store = store;
    this.tiling = tiling;
    this.plan = plan;
    this.selected = [];
    this.hovered = null;
    this.marks = [];
    this.errorPlaces = [];
    this.tool = null;
    this.gesture = new Gesture();
    this.tip = new Tip(document.getElementById("tip"));
    this.hint = byId("hint");
    this.scene = new Scene(this);
    this.published = new Published(store, {
      changed: () => this.base.redraw(),
      failed: (problem) => this.desk.say(problem.message, "bad"),
    });
    this.balance = new HouseholdFigures(tiling, {
      moving: () => Boolean(this.tool.moving),
      came: () => this.tool.preview(),
    });
    this.desk = new Desk(store, tiling, this);
    this.forecast = new HouseholdPreview(tiling, {
      over: () => this.over.redraw(),
      restore: () => this.desk.showHouseholds(),
    });
    this.snapper = new Snapper(tiling, { homes: this.balance.homes, streets: new Streets() });
    this.sketch = new Sketch(this.snapper, this.gesture, () => {
      this.scene.hand.redraw();
      this.offer();
      this.tool?.preview();
    });
    this.card = new GridCard(this);
    this.tools = new Map(TOOLS.map((Kind) => [Kind.name, new Kind(this)]));
    this.rail = new Toolbar(document.getElementById("rail"), TOOLS, {
      choose: (name) => this.use(this.tools.get(name)),
      between: (name) => ["undo", "redo"].includes(name) && this.gesture.between(name),
      undo: () => this.gesture.between("undo") || this.step(() => store.undo()),
      redo: () => this.gesture.between("redo") || this.step(() => store.redo()),
    });
    this.layers = new Layers(document.getElementById("layers"), {
      show: (name, wanted) => this.layer(name, wanted),
      level: () => this.leave(),
    });
    this.listen();
    this.rail.choose("select");
    this.allow();
  }

  listen() {
    map.on("click", (event) => this.click(event));
    map.on("mousemove", (event) => this.hover(event));
    map.on("mouseout", () => this.leave());
    map.on("moveend", () => this.bringHomes());
    const surface = map.getContainer();
    surface.addEventListener("pointerdown", (event) => this.tool.press(event));
    watchBetween(this.gesture);
    this.store.addEventListener("plan", () => this.allow());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  // The buildings on the screen, for a tool that snaps to them and counts them; asked when the map rests, never while
  // the pointer moves.
  bringHomes() {
    if (!this.tool.constructor.counts) return;
    if (map.getZoom() >= WALLS_FROM) this.balance.homes.around(this.viewBox());
    this.snapper.streets.around(this.viewBox());
  }

  // What is on the screen, in world units.
  viewBox() {
    const bounds = map.getBounds();
    const [west, north] = toWorld(...storedOf(bounds.getNorthWest()));
    const [east, south] = toWorld(...storedOf(bounds.getSouthEast()));
    return [west, north, east, south];
  }

  layer(name, wanted) {
    this.gesture.between("layer");
    this.leave();
    if (name === "sub_grids") this.scene.subGrids = wanted;
    else if (name === "overlays") this.scene.overlays = this.snapper.overlays = wanted;
    else if (name === "published") this.published.show(wanted);
    else showLayer(name, wanted);
    this.base.redraw();
  }

  get base() {
    return this.scene.base;
  }

  get over() {
    return this.scene.over;
  }

  get editing() {
    return this.store.plan.state === "draft" && config.person.role === "planner";
  }

  allow() {
    this.rail.allow(this.editing);
    this.card.show();
    if (!this.editing && this.tool.name !== "select") this.rail.choose("select");
    this.desk.showPlan();
  }

  markErrors(report) {
    const errors = (report.defects ?? []).filter((defect) => defect.severity !== "warning" && defect.where);
    this.errorPlaces = errors.slice(0, MOST_MARKS).map((defect) => {
      const [west, south, east, north] = boxOf([defect.where]);
      return toWorld((west + east) / 2, (south + north) / 2);
    });
    this.over.redraw();
  }

  redraw() {
    this.base.redraw();
    this.over.redraw();
    this.scene.hand.redraw();
  }

  // Pointer

  shapeAt(latlng, level = this.layers.level) {
    const [x, y] = toWorld(...storedOf(latlng));
    const overlay =
      this.scene.overlays && this.tiling.outlineAt(x, y, { level: "overlay", reach: OUTLINE_PX / 2 ** map.getZoom() });
    if (overlay) return overlay;
    return this.tiling.at(x, y, level) || (level === "sub_grid" ? this.tiling.at(x, y, "grid") : null);
  }

  hover(event) {
    if (this.gesture.held) return;
    const vertex = event.originalEvent.target.closest?.(".vertex");
    if (vertex) {
      this.point(null);
      if (!this.tool.hoverVertex(vertex, event.containerPoint)) this.tip.hide();
      return;
    }
    if (this.tool.hover(event)) return;
    const shape = this.shapeAt(event.latlng);
    if (shape !== this.hovered) {
      this.hovered = shape;
      this.over.redraw();
    }
    if (shape) this.tip.show(event.containerPoint, shapeName(shape), figuresOf(shape));
    else this.tip.hide();
  }

  leave() {
    this.tip.hide();
    this.point(null);
  }

  click(event) {
    this.tool.click(event);
  }

  // What is being drawn would do what `make` gives ({figures, moves, cut}); null: nothing is being drawn.
  foresee(make, after) {
    this.forecast.show(make, after);
  }

  choose(code, adding = false) {
    if (!code) this.selected = adding ? this.selected : [];
    else if (!adding) this.selected = [code];
    else if (this.selected.includes(code)) this.selected = this.selected.filter((other) => other !== code);
    else this.selected = [...this.selected, code];
    this.balance.around(this.selected.map((one) => this.tiling.shapes.get(one)));
    this.arm();
    this.desk.showHouseholds();
  }

  goTo(code) {
    const shape = this.tiling.shapes.get(code);
    if (!shape) return;
    show(boxOf([shape.feature.geometry]), { animate: true, padding: [120, 120] });
    this.choose(code);
  }

  // Tools

  use(tool) {
    this.gesture.between("tool");
    this.tip.hide();
    this.tool?.stop();
    this.tool = tool;
    if (!tool.constructor.keeps) this.selected = this.selected.slice(0, 1);
    tool.start();
    this.bringHomes();
    this.arm();
  }

  // Bring the chosen tool and the selection together: vertices, a sketch, or a hint of what is missing.
  arm() {
    this.tool.arm();
    this.offer();
    this.hint.textContent = this.tool.hint();
    this.card.show();
    this.over.redraw();
  }

  // The button that ends a sketch or merges: what Enter does, for fingers.
  offer() {
    const button = byId("confirm");
    const words = this.tool?.confirm()?.words ?? "";
    button.hidden = !words;
    this.showHistory();
    if (button.textContent !== words) button.textContent = words;
  }

  // While something is drawn these buttons take its corners back and bring them again.
  showHistory() {
    const { plan } = this.store;
    const { corners, taken } = this.sketch ?? { corners: [], taken: [] };
    const may = this.editing;
    this.rail?.history(may && (corners.length || plan.can_undo) > 0, may && (taken.length || plan.can_redo) > 0);
  }

  confirm() {
    this.tool.confirm()?.act();
  }

  // One of the fixes of a problem (fixes.js).
  async mend(operation) {
    try {
      await this.apply(typeof operation === "function" ? await operation() : operation);
    } catch (problem) {
      this.desk.say(problem.message, "bad");
    }
  }

  locate(defect) {
    this.mark(defect.where, defect.severity === "warning" ? "notice" : "bad");
    show(boxOf([defect.where]), { animate: true, maxZoom: 19, padding: [160, 160] });
  }

  mark(geometry, name) {
    this.marks = geometry ? [{ geometry, name }] : [];
    this.over.redraw();
  }

  key(event) {
    if (isTyped(event)) return;
    if (event.key === "Escape") this.giveUp();
    else if (this.gesture.held) return;
    else if (!event.target.closest(ELSEWHERE) && this.tool.key(event)) event.preventDefault();
  }

  // Escape: first what is in the hand, then the drawing, then what is marked and selected.
  giveUp() {
    this.tip.hide();
    if (this.gesture.between("escape")) return;
    byId("toast").hidden = true;
    this.mark(null);
    this.choose(null);
  }

  // Edits

  // Send one operation; the answer becomes the map, a refusal is told with its place on the map.
  /** @type {(operation: any, ways?: Ways) => Promise<any>} */
  apply(operation, { before, refused } = {}) {
    return this.step(() => this.store.edit(operation), { before, refused, operation });
  }

  // Resolves with the answer, or with null where it was refused.
  /** @type {(send: () => Promise<any>, ways?: Ways) => Promise<any>} */
  async step(send, { before, refused, operation } = {}) {
    this.mark(null);
    this.tip.hide();
    try {
      const answer = await send();
      before?.(answer);
      await this.take(answer);
      return answer;
    } catch (problem) {
      // What is put back now may hang on the pointer already, for the next edit.
      this.gesture.between("refusal");
      refused?.(problem);
      if (problem.where) this.mark(problem.where, "bad");
      if (problem.status !== 412) this.refuse(problem, operation);
      return null;
    }
  }

  // Why, with its place on the map; where pieces would be cut off a grid, who may have them.
  refuse(problem, operation) {
    const away = problem.where && !map.getBounds().intersects(boundsOf(boxOf([problem.where])));
    if (away) show(boxOf([problem.where]), { animate: true, maxZoom: 18, padding: [160, 160] });
    if (problem.code !== "splits_grid" || !partsOthers(operation)) {
      this.desk.say(
        [problem.message, ...(problem.errors?.map(({ msg }) => msg) ?? [])]
          .filter((said, i, all) => all.indexOf(said) === i)
          .join(" "),
        "bad",
      );
      return;
    }
    const ways = waysOn(problem, {
      operation,
      tiling: this.tiling,
      again: async (code) => (await this.apply({ ...operation, pieces_to: code })) && this.sketch.restart(),
      look: (code) => this.point(code),
    });
    this.desk.say(t("planner.pieces"), "bad", ways);
  }

  // Show which grid is meant, as if the pointer were on it.
  point(code) {
    this.hovered = this.tiling.shapes.get(code) ?? null;
    this.over.redraw();
  }

  async take(answer) {
    const { changed, removed } = answer;
    const codes = [...removed, ...changed.map((feature) => feature.properties.code)];
    const older = this.gridsAmong(codes);
    for (const code of removed) this.tiling.drop(code);
    this.tiling.add(changed);
    this.tiling.rebuild();
    this.selected = this.selected.filter((code) => this.tiling.shapes.has(code));
    this.leave();
    this.desk.touch(changed, answer);
    this.redraw();
    this.arm();
    await this.tellHands(older, this.gridsAmong(codes));
  }

  gridsAmong(codes) {
    return codes.map((code) => this.tiling.shapes.get(code)).filter((shape) => shape?.level === "grid");
  }

  // Which households have another grid after an edit: the same buildings, in the shapes before and after it.
  async tellHands(older, newer) {
    await this.balance.around([...older, ...newer]);
    this.forecast.done(this.balance.between(this.balance.owners(older), this.balance.owners(newer)));
  }

  async reload(message) {
    this.gesture.between("reload");
    await this.store.load();
    const topology = await getTopology(this.store.path);
    this.store.version = Math.min(this.store.version, topology.version);
    this.tiling.load(topology);
    this.leave();
    this.selected = this.selected.filter((code) => this.tiling.shapes.has(code));
    if (message) this.desk.say(message);
    this.redraw();
    this.arm();
    this.refreshFigures();
  }

  refreshFigures() {
    this.desk.showHouseholds();
    this.desk.showState();
    const failed = (problem) => this.desk.say(problem.message, "bad");
    this.store.check(failed).catch(failed);
    this.desk.refreshChanges();
  }
}
