// What the pointer does with the grids: hover, selection, the tools, and what is painted for each.
import { config, measure, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { Painted } from "../map/canvas.js";
import { colour, faint } from "../map/colours.js";
import { map, show, showLayer } from "../map/place.js";
import { boxOf, storedOf, toWorld } from "../map/world.js";
import { Balance } from "./balance.js";
import { Desk } from "./desk.js";
import { Handles } from "./handles.js";
import { innerPoint, paintErrors, paintMark } from "./marks.js";
import { outline, paintBorders, paintFills, paintLabels } from "./paint.js";
import { GIVEN, outOfRange } from "./panel.js";
import { Sketch } from "./sketch.js";
import { shortCode } from "./tiling.js";
import { Rail } from "./tools.js";
import { Published } from "./published.js";
import { buildingOf, refusal, shapeName } from "./words.js";

const SKETCHES = { split: "line", redraw: "line", carve: "area", give: "area" };
const MOST_MARKS = 2000;
const NEEDED = { split: 1, redraw: 2, merge: 2, give: 1 };

export class Editor {
  constructor(store, tiling, plan) {
    this.store = store;
    this.tiling = tiling;
    this.plan = plan;
    this.selected = [];
    this.hovered = null;
    this.moving = null;
    this.marks = [];
    this.errorPlaces = [];
    this.subGrids = true;
    this.overlays = false;
    this.tip = document.getElementById("tip");
    this.hint = document.getElementById("hint");
    this.base = new Painted((context, view) => this.paintBase(context, view), { pane: "overlayPane" });
    this.over = new Painted((context, view) => this.paintOver(context, view), { pane: "shadowPane" });
    this.published = new Published(store, () => this.base.redraw());
    this.balance = new Balance(tiling);
    this.desk = new Desk(store, tiling, this);
    this.sketch = new Sketch(tiling, () => {
      this.over.redraw();
      this.offer();
    });
    map.addLayer(this.base).addLayer(this.over);
    this.handles = new Handles(tiling, {
      moving: (id, position) => this.drag(id, position),
      moved: (held, to) => this.drop(held, { op: "move_vertex", from: held.from, to }),
      bent: (held, to) => this.drop(held, { op: "insert_vertex", at: held.from, to }),
      erased: (at) => this.apply({ op: "delete_vertex", at }),
    });
    this.rail = new Rail(document.getElementById("rail"), {
      choose: (tool) => this.use(tool),
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
    this.store.addEventListener("outdated", () => this.reload(t("planner.outdated")));
    this.store.addEventListener("plan", () => this.allow());
    document.addEventListener("connection-back", () => this.reload(null));
    document.addEventListener("keydown", (event) => this.key(event));
    for (const box of document.querySelectorAll("#layers input")) {
      box.addEventListener("change", () => this.layer(box.name, box.checked));
    }
  }

  layer(name, wanted) {
    if (name === "sub_grids") this.subGrids = wanted;
    else if (name === "overlays") this.overlays = wanted;
    else if (name === "published") this.published.show(wanted);
    else showLayer(name, wanted);
    this.base.redraw();
  }

  get editing() {
    return this.store.plan.state === "draft" && config.person.role === "planner";
  }

  allow() {
    this.rail.allow(this.editing);
    if (!this.editing && this.rail.chosen !== "select") this.rail.choose("select");
    this.desk.showPlan();
  }

  // Painting

  paintBase(context, view) {
    paintFills(context, this.tiling, view, (shape) => this.fillOf(shape));
    this.published.paint(context, view);
    paintBorders(context, this.tiling, view, { subGrids: this.subGrids, without: this.moving?.id });
    if (this.overlays) outline(context, this.tiling, this.tiling.ofLevel("overlay"), view, { stroke: colour("notice"), width: 2, dash: [2, 4] });
    paintLabels(context, this.tiling, view, { second: (shape) => this.labelOf(shape) });
  }

  fillOf(shape) {
    if (shape.properties.kind === "dedicated") return faint("quiet", 0.13);
    return outOfRange(shape.properties) ? faint("range", 0.2) : null;
  }

  labelOf(shape) {
    const { kind, households } = shape.properties;
    if (kind === "dedicated") return { text: t("planner.dedicated"), colour: "quiet" };
    const out = outOfRange(shape.properties);
    return { text: t("planner.households_n", { n: number(households ?? 0) }), colour: out ? "range-ink" : "good-ink", strong: out };
  }

  paintOver(context, view) {
    const accent = colour("accent");
    const chosen = this.selected.map((code) => this.tiling.shapes.get(code)).filter(Boolean);
    if (this.hovered && !this.selected.includes(this.hovered.code)) {
      outline(context, this.tiling, [this.hovered], view, { fill: faint("accent", 0.06), stroke: faint("accent", 0.55), width: 2 });
    }
    if (this.moving) this.paintMoving(context, view, accent);
    outline(context, this.tiling, chosen, view, { fill: faint("accent", 0.13), stroke: accent, width: 3 });
    paintErrors(context, view, this.errorPlaces);
    for (const mark of this.marks) paintMark(context, view, mark);
    this.sketch.paint(context, view, accent);
  }

  paintMoving(context, view, accent) {
    const touched = this.moving.codes.map((code) => this.tiling.shapes.get(code));
    outline(context, this.tiling, touched.filter((shape) => shape.level === "sub_grid"), view, { stroke: colour("sub-grid"), width: 1, dash: [4, 3] });
    outline(context, this.tiling, touched.filter((shape) => shape.level === "grid"), view, { fill: `${accent}10`, stroke: accent, width: 2 });
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
    if (this.moving) return;
    if (event.originalEvent.target.closest?.(".vertex")) return;
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
    if (this.sketch.kind) this.sketch.click(event);
    else if (this.rail.chosen === "fill") this.fillGap(event.latlng);
    else this.choose(this.shapeAt(event.latlng)?.code ?? null, this.many(event.originalEvent));
  }

  many(event) {
    return event.shiftKey || event.ctrlKey || event.metaKey || ["merge", "redraw"].includes(this.rail.chosen);
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
    this.sketch.stop();
    if (!["merge", "redraw", "split", "give", "vertices"].includes(tool)) this.selected = this.selected.slice(0, 1);
    this.arm();
  }

  // Bring the chosen tool and the selection together: vertices, a sketch, or a hint of what is missing.
  arm() {
    const tool = this.rail.chosen;
    const enough = this.selected.length >= (NEEDED[tool] ?? 0);
    const single = this.selected.length === 1 ? this.selected[0] : null;
    this.handles.show(tool === "vertices" && this.editing ? single : null);
    if (SKETCHES[tool] && enough) {
      if (this.sketch.kind !== SKETCHES[tool]) this.sketch.start(SKETCHES[tool], (geometry) => this.sketched(tool, geometry));
    } else this.sketch.stop();
    this.offer();
    this.hint.textContent = t(`planner.hint_${tool}${enough ? "" : "_choose"}`);
    this.over.redraw();
  }

  async sketched(tool, geometry) {
    const [code, other] = this.selected;
    if (tool === "split") this.apply({ op: "split", code, line: geometry });
    else if (tool === "redraw") this.apply({ op: "redraw_border", left: code, right: other, line: geometry });
    else if (tool === "give") this.apply({ op: "give", geometry, to: code });
    else if (tool === "carve") {
      const name = await this.desk.askName();
      if (name !== null) this.apply({ op: "carve", geometry, name });
    }
  }

  // The button that ends a sketch or merges: what Enter does, for fingers.
  offer() {
    const button = document.getElementById("confirm");
    const merging = this.rail?.chosen === "merge" && this.selected.length > 1;
    button.hidden = !(merging || this.sketch.complete);
    button.textContent = t(merging ? "planner.confirm_merge" : "planner.finish");
  }

  confirm() {
    if (this.sketch.complete) this.sketch.finish();
    else this.merge();
  }

  merge() {
    this.apply({ op: "merge", codes: this.selected });
  }

  fillGap(latlng) {
    const into = this.selected[0] ?? this.shapeAt(latlng, "grid")?.code;
    if (into) this.apply({ op: "fill_gap", where: { type: "Point", coordinates: storedOf(latlng) }, into });
    else this.hint.textContent = t("planner.hint_fill_choose");
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
    if (event.target.closest("input, textarea, select, dialog")) return;
    if (event.key === "Escape") {
      this.mark(null);
      this.choose(null);
    } else if (event.key === "Enter" && this.rail.chosen === "merge" && this.selected.length > 1) this.merge();
  }

  // Edits

  drag(id, position) {
    if (this.moving?.id !== id) this.lift(id);
    this.tiling.nudge(id, position);
    this.over.redraw();
    const { x, y } = this.tiling.points[id];
    const scale = 2 ** map.getZoom();
    const origin = map.getPixelOrigin();
    const place = map.layerPointToContainerPoint(L.point(x * scale - origin.x, y * scale - origin.y));
    this.tell(place, this.moving.title, this.movingText());
  }

  lift(id) {
    const codes = [...this.tiling.points[id].owners];
    const grids = codes.filter((code) => this.tiling.shapes.get(code).level === "grid");
    this.moving = { id, codes, grids, title: t("planner.shared_vertex", { n: grids.length }) };
    this.balance.start(grids);
    this.base.redraw();
  }

  movingText() {
    const figures = this.balance.now(this.moving.grids);
    if (!figures.size) return this.moving.grids.map(shortCode).join(" · ");
    return [...figures].map(([code, [before, after]]) => t("planner.before_after", { grid: shortCode(code), before: number(before), after: number(after) })).join(" · ");
  }

  async drop(held, operation) {
    const moving = this.moving;
    this.moving = null;
    this.tip.hidden = true;
    if (String(operation.to) === String(held.from) || !moving) {
      this.springBack(moving);
      return;
    }
    await this.apply(operation, { before: () => this.tiling.settle(held.id), refused: () => this.springBack(moving) });
  }

  springBack(moving) {
    if (moving) this.tiling.restore(moving.codes.filter((code) => this.tiling.shapes.has(code)));
    this.tiling.rebuild();
    this.redraw();
    this.arm();
  }

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
