// A brush: road blocks or buildings painted over go to the selected grid. Everything painted in one stroke is one edit,
// and since patches tile the ground, their new border can leave no gap.
import { untilThere } from "../../again.js";
import { number, t } from "../../config.js";
import { el, present } from "../../dom.js";
import { colour, faint } from "../../map/colours.js";
import { map } from "../../map/place.js";
import { storedOf, toWorld } from "../../map/world.js";
import { carry } from "../carrying.js";
import { Patches, patchesAlong, trace } from "../patches.js";
import { Strokes } from "../strokes.js";
import { shortCode } from "../../model/names.js";
import { rings } from "../../model/geometry.js";
import { Tool } from "./tool.js";

const MODES = ["block", "building"];
const TRAIL_PX = 10;

export class Brush extends Tool {
  static name = "brush";
  static key = "p";
  static picture =
    "M13.500 2.500l4 4-7.500 7-3.500-3.500zM6 10.500c-2.500 0-3 2-3 3.500 0 1-.5 2-1.500 2.500 3 1.500 7.500.5 8-2.500";
  static needed = 1;
  static keeps = true;

  constructor(editor) {
    super(editor);
    this.patches = new Patches(editor.store);
    /** @type {import("../strokes.js").Stroke | null} what is being painted */
    this.stroke = null;
    this.strokes = new Strokes({
      cells: (stroke) => this.cellsOf(stroke),
      give: (stroke) => this.give(stroke),
      waits: () => editor.desk.say(t("brush.kept")),
      refused: (problem) => editor.desk.say(problem.message, "bad"),
      changed: () => this.show(),
    });
    this.bringing = null;
    this.under = null;
    this.surface = map.getContainer();
    this.moved = (event) => this.move(event);
    this.settled = () => this.bring();
    this.switch = this.modes();
  }

  // The switch between blocks and buildings, for as long as the brush is in hand.
  modes() {
    const choices = MODES.map((mode) => {
      const input = el("input", {
        type: "radio",
        name: "brush",
        value: mode,
        checked: mode === this.patches.by,
        onchange: () => this.choose(mode),
      });
      return el("label", {}, input, el("span", {}, t(`brush.${mode}`)));
    });
    const made = el(
      "div",
      { class: "floating brush", "data-test": "planner-brush", hidden: true },
      el("div", { class: "choice", role: "radiogroup", "aria-label": t("brush.what") }, choices),
    );
    present(this.surface.parentElement).append(made);
    return made;
  }

  choose(mode) {
    this.patches.choose(mode);
    this.editor.arm();
  }

  start() {
    // Strokes that wait go on without the brush; Escape and Ctrl+Z in its hand take them back.
    this.editor.gesture.draw({
      back: () => this.strokes.giveUp(),
      undo: () => this.strokes.takeBack(),
      redo: () => false,
      leave: () => false,
    });
    this.switch.hidden = false;
    this.surface.classList.add("painting");
    this.surface.addEventListener("pointermove", this.moved);
    map.on("moveend", this.settled);
  }

  stop() {
    this.giveUp();
    this.editor.gesture.draw(null);
    this.bringing = null;
    this.patches.forget();
    this.switch.hidden = true;
    this.surface.classList.remove("painting");
    this.surface.removeEventListener("pointermove", this.moved);
    map.off("moveend", this.settled);
    map.dragging.enable();
  }

  arm() {
    this.target = this.enough ? this.editor.tiling.shapes.get(this.editor.selected[0]) : null;
    // Once it is known who gets the ground, a drag paints; the wheel and two fingers still move the map.
    if (this.target) map.dragging.disable();
    else map.dragging.enable();
    this.bring();
  }

  // See to it that the cells of the view are here; asked for until they are, or the map shows something else.
  async bring() {
    const mine = {};
    this.bringing = mine;
    const load = () => (this.patches.coming = this.patches.load());
    await untilThere(load, { wanted: () => this.bringing === mine, failed: () => this.told() }).catch(() => null);
    if (this.bringing === mine) this.told();
  }

  told() {
    this.paintStroke();
    this.editor.hint.textContent = this.hint();
    this.editor.over.redraw();
  }

  hint() {
    if (this.patches.problem) return this.patches.problem.message;
    if (this.enough && !this.patches.near) return t("brush.nearer");
    return super.hint();
  }

  // A click paints as well; to change the grid that gets the ground, Shift is held.
  click(event) {
    if (this.target && !event.originalEvent.shiftKey) return;
    this.editor.choose(this.editor.shapeAt(event.latlng)?.code ?? null);
  }

  hover() {
    return Boolean(this.target && this.patches.near);
  }

  press(event) {
    if (!this.target || !event.isPrimary || event.button !== 0 || event.shiftKey || !this.onMap(event)) return;
    // Two fingers that never rest on the map move it, and so does the wheel: one that is pressed paints at once.
    carry(this.editor.gesture, event, {
      rest: 0,
      begin: () => this.begin(event),
      move: (other) => this.paintTo(other),
      drop: () => this.lift(),
      back: () => this.giveUp(),
    });
  }

  begin(event) {
    const at = this.world(event);
    this.stroke = {
      to: this.target.code,
      by: this.patches.by,
      zoom: map.getZoom(),
      path: [at],
      patches: this.underPath([at, at]),
    };
    this.show();
    this.tell(event);
  }

  paintTo(event) {
    if (!this.stroke) return;
    const { path, patches } = this.stroke;
    path.push(this.world(event));
    for (const patch of this.underPath(path.slice(-2))) patches.add(patch);
    this.show();
    this.tell(event);
  }

  // What lies under the pointer, while nothing is painted.
  move(event) {
    if (!this.target || this.stroke) return;
    const before = this.under;
    this.under = this.onMap(event) ? this.patches.at(...this.world(event)) : null;
    this.tell(event);
    if (this.under !== before) this.show();
  }

  // A stroke over ground whose cells are still on their way waits for them.
  lift() {
    const { stroke } = this;
    this.stroke = null;
    this.editor.tip.hide();
    if (this.patches.near) this.strokes.add(stroke);
    else this.editor.desk.say(this.missing(), "bad");
    this.show();
  }

  // What has come for the stroke that is being painted.
  paintStroke() {
    if (!this.stroke) return;
    this.stroke.patches = this.underPath(this.stroke.path);
    this.show();
  }

  // Why there are no cells where the brush is.
  missing() {
    if (!this.patches.near) return t("brush.nearer");
    return this.patches.problem?.message ?? t("brush.coming");
  }

  giveUp() {
    this.stroke = null;
    this.editor.tip.hide();
    this.show();
  }

  // What is painted, and what of it is not stored yet.
  get painted() {
    return new Set(this.all.flatMap(({ patches }) => [...patches]));
  }

  get all() {
    return this.stroke ? [...this.strokes.list, this.stroke] : this.strokes.list;
  }

  // What is painted, on the map and in figures.
  show() {
    const { editor, painted } = this;
    editor.over.redraw();
    if (editor.tool !== this) return;
    editor.foresee(painted.size && this.target ? () => editor.balance.handed(painted, this.receiver) : null);
  }

  // The grid that gets the ground, also where one of its parts was chosen.
  get receiver() {
    return this.target.level === "sub_grid" ? this.target.parent : this.target.code;
  }

  underPath(path) {
    return underStroke(this.patches.list, path, {
      zoom: map.getZoom(),
      fits: (patch) => !this.obstacle(patch, this.target),
    });
  }

  // What lies under a finished stroke and can be given, by the cells of the plan as it is now.
  async cellsOf(stroke) {
    const { to, by, zoom, path } = stroke;
    const list = await this.patches.of(by, boxOf(stroke));
    const target = this.editor.tiling.shapes.get(to);
    if (!target) throw new Error(t("brush.gone"));
    const found = underStroke(list, path, { zoom, fits: (patch) => !this.obstacle(patch, target) });
    if (!found.size) throw new Error(t("brush.nothing"));
    return found;
  }

  // Why a patch cannot be given to the target, "" where it can.
  obstacle(patch, { code, level, parent }) {
    if (patch.grid === code || patch.tile === code) return "own";
    const community = level === "sub_grid" ? this.editor.tiling.shapes.get(parent)?.parent : parent;
    return patch.community === community ? "" : "other";
  }

  give({ to, patches }) {
    const coordinates = [...patches].flatMap(({ polygons }) => polygons);
    return this.editor.apply({ op: "give", geometry: { type: "MultiPolygon", coordinates }, to });
  }

  // Households of the grids that change, before and after.
  figures() {
    const { figures } = this.editor.balance.handed(this.painted, this.receiver);
    return [...figures]
      .map(([code, [before, after]]) =>
        t("planner.before_after", {
          grid: shortCode(code),
          before: number(before.households),
          after: number(after.households),
        }),
      )
      .join(" · ");
  }

  tell(event) {
    const place = map.mouseEventToContainerPoint(event);
    const painted = this.stroke?.patches.size ?? 0;
    const count = painted || (this.under ? 1 : 0);
    if (this.stroke && !count && !this.patches.ready) {
      this.editor.tip.show(place, t("planner.tool_brush"), this.missing());
      return;
    }
    if (!count) {
      this.editor.tip.hide();
      return;
    }
    if (painted) this.editor.tip.show(place, t(`brush.painted_${this.patches.by}`, { n: painted }), this.figures());
    else this.editor.tip.show(place, this.named(this.under), this.words(this.under));
  }

  named({ name, grid }) {
    return name || t("brush.of", { grid: shortCode(grid) });
  }

  words(patch) {
    const obstacle = this.obstacle(patch, this.target);
    if (obstacle) return t(`brush.${obstacle}`);
    return t("brush.holds", { buildings: number(patch.buildings), households: number(patch.households) });
  }

  world(event) {
    return toWorld(...storedOf(map.mouseEventToLatLng(event)));
  }

  onMap({ target }) {
    return !target.closest(".leaflet-control, .floating, .search");
  }

  paint(context, view) {
    if (!this.target) return;
    this.patches.paint(context, view, faint("grid", 0.35));
    if (this.under && !this.stroke && !this.obstacle(this.under, this.target))
      fillAll(context, [this.under], view, faint("accent", 0.18));
    for (const stroke of this.all) if (!stroke.patches.size) paintTrail(context, stroke.path, view);
    const { painted } = this;
    if (!painted.size) return;
    fillAll(context, painted, view, faint("accent", 0.28));
    this.outline(context, view, painted);
  }

  // The outline that the grid would have: thick strokes of everything, its inside taken out again.
  outline(context, view, painted) {
    const sheet = new OffscreenCanvas(context.canvas.width, context.canvas.height);
    const ink = present(sheet.getContext("2d"));
    ink.setTransform(context.getTransform());
    ink.beginPath();
    for (const patch of painted) trace(ink, patch, view);
    traceTarget(ink, this.editor.tiling, this.target, view);
    ink.lineWidth = 6;
    ink.lineJoin = "round";
    ink.strokeStyle = colour("accent");
    ink.stroke();
    ink.globalCompositeOperation = "destination-out";
    for (const patch of painted) fillAll(ink, [patch], view, "#000");
    ink.beginPath();
    traceTarget(ink, this.editor.tiling, this.target, view);
    ink.fill("evenodd");
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(sheet, 0, 0);
    context.restore();
  }
}

// What of these lies under the way of a brush and fits.
function underStroke(list, path, { zoom, fits }) {
  const found = new Set();
  path.forEach((to, i) => {
    for (const patch of patchesAlong(list, path[Math.max(0, i - 1)], to, zoom)) if (fits(patch)) found.add(patch);
  });
  return found;
}

// The box of a stroke, which a mere press has too.
function boxOf({ path, zoom }) {
  const [xs, ys] = [path.map(([x]) => x), path.map(([, y]) => y)];
  const pixel = 1 / 2 ** zoom;
  return [Math.min(...xs) - pixel, Math.min(...ys) - pixel, Math.max(...xs) + pixel, Math.max(...ys) + pixel];
}

// The way of a brush over ground whose cells are not here yet.
function paintTrail(context, path, view) {
  context.beginPath();
  path.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * view.scale - view.x, y * view.scale - view.y));
  if (path.length === 1) context.lineTo(path[0][0] * view.scale - view.x, path[0][1] * view.scale - view.y);
  context.lineWidth = TRAIL_PX;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = faint("accent", 0.4);
  context.stroke();
}

function fillAll(context, patches, view, style) {
  context.beginPath();
  for (const patch of patches) trace(context, patch, view);
  context.fillStyle = style;
  context.fill("evenodd");
}

function traceTarget(context, tiling, shape, view) {
  for (const ring of rings(shape)) {
    ring.forEach((id, i) => {
      const { x, y } = tiling.points[id];
      if (i) context.lineTo(x * view.scale - view.x, y * view.scale - view.y);
      else context.moveTo(x * view.scale - view.x, y * view.scale - view.y);
    });
    context.closePath();
  }
}
