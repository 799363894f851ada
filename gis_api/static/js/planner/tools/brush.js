// A brush: road blocks or buildings painted over go to the selected grid. Everything painted in one stroke is one edit,
// and since patches tile the ground, their new border can leave no gap.
import { number, t } from "../../config.js";
import { el, present } from "../../dom.js";
import { colour, faint } from "../../map/colours.js";
import { map } from "../../map/place.js";
import { storedOf, toWorld } from "../../map/world.js";
import { carry } from "../carrying.js";
import { Patches, trace } from "../patches.js";
import { shortCode } from "../../model/names.js";
import { rings } from "../../model/geometry.js";
import { Tool } from "./tool.js";

const MODES = ["block", "building"];

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
    this.painted = new Set();
    this.stroke = null;
    this.path = [];
    this.bringing = null;
    this.under = null;
    this.surface = map.getContainer();
    this.moved = (event) => this.move(event);
    this.settled = () => this.bring();
    document.addEventListener("connection-back", () => editor.tool === this && this.bring());
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
    this.switch.hidden = false;
    this.surface.classList.add("painting");
    this.surface.addEventListener("pointermove", this.moved);
    map.on("moveend", this.settled);
  }

  stop() {
    this.giveUp();
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

  async bring() {
    this.bringing = this.patches.load();
    await this.bringing;
    this.paintPath();
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
    this.stroke = this.world(event);
    this.path = [];
    this.touch(this.stroke);
    this.show();
    this.tell(event);
  }

  paintTo(event) {
    this.touch(this.world(event));
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
  async lift() {
    const { path } = this;
    this.stroke = null;
    this.editor.tip.hide();
    if (!this.patches.ready) await this.bringing;
    // Given up meanwhile.
    if (this.path !== path) return;
    this.paintPath();
    this.path = [];
    if (this.painted.size) this.give();
    else if (!this.patches.ready) this.editor.desk.say(this.missing(), "bad");
  }

  paintPath() {
    if (this.painted.size || this.path.length < 1) return;
    this.path.forEach((to, i) => this.paintAlong(this.path[Math.max(0, i - 1)], to));
    if (this.painted.size) this.show();
  }

  // Why there are no cells where the brush is.
  missing() {
    if (!this.patches.near) return t("brush.nearer");
    return this.patches.problem?.message ?? t("brush.coming");
  }

  giveUp() {
    this.stroke = null;
    this.path = [];
    this.painted.clear();
    this.editor.tip.hide();
    this.show();
  }

  // What is painted, on the map and in figures.
  show() {
    const { editor, painted } = this;
    editor.over.redraw();
    editor.foresee(painted.size ? () => editor.balance.handed(painted, this.receiver) : null);
  }

  // The grid that gets the ground, also where one of its parts was chosen.
  get receiver() {
    return this.target.level === "sub_grid" ? this.target.parent : this.target.code;
  }

  touch(to) {
    this.paintAlong(this.stroke, to);
    this.path.push(to);
    this.stroke = to;
  }

  paintAlong(from, to) {
    for (const patch of this.patches.along(from, to)) if (!this.obstacle(patch)) this.painted.add(patch);
  }

  // Why a patch cannot be given to the target, "" where it can.
  obstacle(patch) {
    const { code, level, parent } = this.target;
    if (patch.grid === code || patch.tile === code) return "own";
    const community = level === "sub_grid" ? this.editor.tiling.shapes.get(parent)?.parent : parent;
    return patch.community === community ? "" : "other";
  }

  async give() {
    const polygons = [...this.painted].flatMap((patch) => patch.polygons);
    const done = () => {
      this.painted.clear();
      this.show();
    };
    await this.editor.apply(
      { op: "give", geometry: { type: "MultiPolygon", coordinates: polygons }, to: this.target.code },
      { before: done, refused: done },
    );
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
    const count = this.painted.size || (this.under ? 1 : 0);
    if (this.stroke && !count && !this.patches.ready) {
      this.editor.tip.show(place, t("planner.tool_brush"), this.missing());
      return;
    }
    if (!count) {
      this.editor.tip.hide();
      return;
    }
    if (this.painted.size)
      this.editor.tip.show(place, t(`brush.painted_${this.patches.by}`, { n: this.painted.size }), this.figures());
    else this.editor.tip.show(place, this.named(this.under), this.words(this.under));
  }

  named({ name, grid }) {
    return name || t("brush.of", { grid: shortCode(grid) });
  }

  words(patch) {
    const obstacle = this.obstacle(patch);
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
    if (this.under && !this.stroke && !this.obstacle(this.under))
      fillAll(context, [this.under], view, faint("accent", 0.18));
    if (!this.painted.size) return;
    fillAll(context, this.painted, view, faint("accent", 0.28));
    this.outline(context, view);
  }

  // The outline that the grid would have: thick strokes of everything, its inside taken out again.
  outline(context, view) {
    const sheet = new OffscreenCanvas(context.canvas.width, context.canvas.height);
    const ink = present(sheet.getContext("2d"));
    ink.setTransform(context.getTransform());
    ink.beginPath();
    for (const patch of this.painted) trace(ink, patch, view);
    traceTarget(ink, this.editor.tiling, this.target, view);
    ink.lineWidth = 6;
    ink.lineJoin = "round";
    ink.strokeStyle = colour("accent");
    ink.stroke();
    ink.globalCompositeOperation = "destination-out";
    for (const patch of this.painted) fillAll(ink, [patch], view, "#000");
    ink.beginPath();
    traceTarget(ink, this.editor.tiling, this.target, view);
    ink.fill("evenodd");
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(sheet, 0, 0);
    context.restore();
  }
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
