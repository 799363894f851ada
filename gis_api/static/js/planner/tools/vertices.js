// The vertices of the selected grid can be dragged; every grid that shares one follows while it moves.
import { number, t } from "../../config.js";
import { colour } from "../../map/colours.js";
import { map } from "../../map/place.js";
import { Handles } from "../handles.js";
import { outline } from "../paint.js";
import { shortCode } from "../tiling.js";
import { Tool } from "./tool.js";

export class Vertices extends Tool {
  static name = "vertices";
  static key = "e";
  static picture = "M10 2l7.5 8-7.5 8L2.500 10zM8.500 0.500h3v3h-3zM8.500 16.500h3v3h-3zM0.500 8.500h3v3h-3zM16.500 8.500h3v3h-3z";
  static keeps = true;

  constructor(editor) {
    super(editor);
    this.tiling = editor.tiling;
    this.held = null;
    this.handles = new Handles(this.tiling, {
      moving: (id, position) => this.drag(id, position),
      moved: (held, to) => this.drop(held, { op: "move_vertex", from: held.from, to }),
      bent: (held, to) => this.drop(held, { op: "insert_vertex", at: held.from, to }),
      erased: (at) => editor.apply({ op: "delete_vertex", at }),
    });
  }

  get moving() {
    return this.held;
  }

  arm() {
    const { selected, editing } = this.editor;
    this.handles.show(editing && selected.length === 1 ? selected[0] : null);
  }

  stop() {
    this.handles.hide();
  }

  drag(id, position) {
    if (this.held?.id !== id) this.lift(id);
    this.tiling.nudge(id, position);
    this.editor.over.redraw();
    const { x, y } = this.tiling.points[id];
    const scale = 2 ** map.getZoom();
    const origin = map.getPixelOrigin();
    const place = map.layerPointToContainerPoint(L.point(x * scale - origin.x, y * scale - origin.y));
    this.editor.tell(place, this.held.title, this.figures());
  }

  lift(id) {
    const codes = [...this.tiling.points[id].owners];
    const grids = codes.filter((code) => this.tiling.shapes.get(code).level === "grid");
    this.held = { id, codes, grids, title: t("planner.shared_vertex", { n: grids.length }) };
    this.editor.balance.start(grids);
    this.editor.base.redraw();
  }

  figures() {
    const { grids } = this.held;
    const figures = this.editor.balance.now(grids);
    if (!figures.size) return grids.map(shortCode).join(" · ");
    return [...figures].map(([code, [before, after]]) => t("planner.before_after", { grid: shortCode(code), before: number(before), after: number(after) })).join(" · ");
  }

  async drop(held, operation) {
    const { held: moving } = this;
    this.held = null;
    this.editor.tip.hidden = true;
    if (String(operation.to) === String(held.from) || !moving) {
      this.springBack(moving);
      return;
    }
    await this.editor.apply(operation, { before: () => this.tiling.settle(held.id), refused: () => this.springBack(moving) });
  }

  springBack(moving) {
    if (moving) this.tiling.restore(moving.codes.filter((code) => this.tiling.shapes.has(code)));
    this.tiling.rebuild();
    this.editor.redraw();
    this.editor.arm();
  }

  paint(context, view, accent) {
    if (!this.held) return;
    const touched = this.held.codes.map((code) => this.tiling.shapes.get(code));
    outline(context, this.tiling, touched.filter((shape) => shape.level === "sub_grid"), view, { stroke: colour("sub-grid"), width: 1, dash: [4, 3] });
    outline(context, this.tiling, touched.filter((shape) => shape.level === "grid"), view, { fill: `${accent}10`, stroke: accent, width: 2 });
  }
}
