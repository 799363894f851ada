// The desk's middle: the grids under the pointer, the selection, the chosen tool (tools/), and edits with their answers.
import { config, measure, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { map, show, showLayer } from "../map/place.js";
import { boxOf, storedOf, toWorld } from "../map/world.js";
import { Balance } from "./balance.js";
import { Desk } from "./desk.js";
import { innerPoint } from "./marks.js";
import { GIVEN, outOfRange } from "./panel.js";
import { Published } from "./published.js";
import { Rail } from "./rail.js";
import { Scene } from "./scene.js";
import { Sketch } from "./sketch.js";
import { TOOLS } from "./tools/list.js";
import { buildingOf, refusal, shapeName } from "./words.js";

const MOST_MARKS = 2000;
const FIELDS = "input, textarea, select, dialog";
// Enter on a button there presses the button, whatever is being drawn.
const ELSEWHERE = ".panel, .bar, .toast, .layers";

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
    this.tip = document.getElementById("tip");
    this.hint = document.getElementById("hint");
    this.scene = new Scene(this);
    this.published = new Published(store, () => this.base.redraw());
    this.balance = new Balance(tiling);
    this.desk = new Desk(store, tiling, this);
    this.sketch = new Sketch(tiling, () => {
      this.over.redraw();
      this.offer();
    });
    this.tools = new Map(TOOLS.map((Kind) => [Kind.name, new Kind(this)]));
    this.rail = new Rail(document.getElementById("rail"), TOOLS, {
      choose: (name) => this.use(this.tools.get(name)),
      undo: () => this.step(() => store.undo()),
      redo: () => this.step(() => store.redo()),
    });
    if (matchMedia("(max-width: 900px)").matches) document.getElementById("layers").open = false;
    this.listen();
    this.rail.choose("select");
    this.allow();
  }

  listen() {
    map.on("click", (event) => this.click(event));
    map.on("mousemove", (event) => this.hover(event));
    map.on("mouseout", () => this.leave());
    const surface = map.getContainer();
    surface.addEventListener("pointerdown", (event) => this.tool.press(event));
    surface.addEventListener("pointerup", (event) => this.tool.release(event));
    this.store.addEventListener("outdated", () => this.reload(t("planner.outdated")));
    this.store.addEventListener("plan", () => this.allow());
    document.addEventListener("connection-back", () => this.reload(null));
    document.addEventListener("keydown", (event) => this.key(event));
    for (const box of document.querySelectorAll("#layers input")) {
      box.addEventListener("change", () => this.layer(box.name, box.checked));
    }
  }

  layer(name, wanted) {
    if (name === "sub_grids") this.scene.subGrids = wanted;
    else if (name === "overlays") this.scene.overlays = wanted;
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
  }

  // Pointer

  shapeAt(latlng, level = this.level()) {
    const [x, y] = toWorld(...storedOf(latlng));
    return this.tiling.at(x, y, level) || (level === "sub_grid" ? this.tiling.at(x, y, "grid") : null);
  }

  level() {
    return document.querySelector('input[name="level"]:checked')?.value ?? "grid";
  }

  hover(event) {
    if (this.tool.moving || event.originalEvent.target.closest?.(".vertex") || this.tool.hover(event)) return;
    const shape = this.shapeAt(event.latlng);
    if (shape !== this.hovered) {
      this.hovered = shape;
      this.over.redraw();
    }
    if (shape) this.tell(event.containerPoint, shapeName(shape), this.tipOf(shape));
    else this.tip.hidden = true;
  }

  tipOf(shape) {
    const { households, area_m2: area, kind } = shape.properties;
    const parts = [kind === "dedicated" ? t("planner.dedicated") : t("planner.households_n", { n: number(households ?? 0) })];
    if (area) parts.push(`${measure(area)} m²`);
    if (outOfRange(shape.properties)) parts.push(t("planner.out_of_range"));
    return parts.join(" · ");
  }

  leave() {
    this.hovered = null;
    this.tip.hidden = true;
    this.over.redraw();
  }

  tell(point, title, text) {
    fill(this.tip, el("b", {}, title), text);
    this.tip.hidden = false;
    const stage = map.getSize();
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    this.tip.style.left = `${Math.max(4, Math.min(point.x + 16, stage.x - width - 6))}px`;
    this.tip.style.top = `${Math.max(4, point.y + 18 + height > stage.y ? point.y - height - 12 : point.y + 18)}px`;
  }

  click(event) {
    this.tool.click(event);
  }

  choose(code, adding = false) {
    if (!code) this.selected = adding ? this.selected : [];
    else if (!adding) this.selected = [code];
    else if (this.selected.includes(code)) this.selected = this.selected.filter((other) => other !== code);
    else this.selected = [...this.selected, code];
    this.balance.around(this.tiling.shapes.get(this.selected[0]));
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
    this.tool?.stop();
    this.tool = tool;
    if (!tool.constructor.keeps) this.selected = this.selected.slice(0, 1);
    tool.start();
    this.arm();
  }

  // Bring the chosen tool and the selection together: vertices, a sketch, or a hint of what is missing.
  arm() {
    this.tool.arm();
    this.offer();
    this.hint.textContent = this.tool.hint();
    this.over.redraw();
  }

  // The button that ends a sketch or merges: what Enter does, for fingers.
  offer() {
    const button = document.getElementById("confirm");
    const offer = this.tool?.confirm();
    button.hidden = !offer;
    button.textContent = offer?.words ?? "";
  }

  confirm() {
    this.tool.confirm()?.act();
  }

  mend(defect, into) {
    if (defect.kind in GIVEN) this.step(async () => this.store.edit({ op: "give", geometry: await buildingOf(defect), to: into }));
    else this.apply({ op: "fill_gap", where: { type: "Point", coordinates: innerPoint(defect.where) }, into });
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
    if (event.target.closest(FIELDS)) return;
    if (event.key === "Escape") this.giveUp();
    else if (!event.target.closest(ELSEWHERE) && this.tool.key(event)) event.preventDefault();
  }

  // Escape: first the drawing, then what is marked and selected.
  giveUp() {
    if (this.tool.cancel()) return;
    this.mark(null);
    this.choose(null);
  }

  // Edits

  // Send one operation; the answer becomes the map, a refusal is told with its place on the map.
  apply(operation, { before, refused } = {}) {
    const along = { ...operation, pieces_to: operation.op === "carve" ? "new" : operation.to };
    return this.step(() => this.store.edit(operation), { before, refused, retry: () => this.apply(along) });
  }

  async step(send, { before, refused, retry } = {}) {
    this.mark(null);
    try {
      const answer = await send();
      before?.();
      await this.take(answer);
    } catch (problem) {
      refused?.();
      if (problem.where) this.mark(problem.where, "bad");
      if (problem.status !== 412) this.desk.say(...refusal(problem, retry));
    }
  }

  async take(answer) {
    const { changed } = answer;
    for (const code of answer.removed) this.tiling.drop(code);
    this.tiling.add(changed);
    this.tiling.rebuild();
    this.selected = this.selected.filter((code) => this.tiling.shapes.has(code));
    this.desk.touch(changed, answer);
    this.redraw();
    this.arm();
  }

  async reload(message) {
    await this.store.load();
    const features = await this.store.grids();
    for (const code of [...this.tiling.shapes.keys()]) this.tiling.drop(code);
    this.tiling.add(features);
    this.tiling.rebuild();
    this.selected = this.selected.filter((code) => this.tiling.shapes.has(code));
    if (message) this.desk.say(message);
    this.redraw();
    this.arm();
    this.refreshFigures();
  }

  refreshFigures() {
    this.desk.showHouseholds();
    this.desk.showState();
    this.store.check().catch((problem) => this.desk.say(problem.message, "bad"));
    this.desk.refreshChanges();
  }
}
