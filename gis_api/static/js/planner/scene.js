// What the editor shows on its canvases: the grids below, above them what is chosen, drawn or wrong, on top what hangs
// on the pointer.
import { number, t } from "../config.js";
import { Painted } from "../map/canvas.js";
import { colour, faint } from "../map/colours.js";
import { map } from "../map/place.js";
import { PointerLayer } from "./pointer_layer.js";
import { paintErrors, paintMark } from "./marks.js";
import { outline, paintBorders, paintFills, paintLabels } from "../draw/paint.js";
import { outOfRange } from "./panel.js";

export class Scene {
  constructor(editor) {
    this.editor = editor;
    this.tiling = editor.tiling;
    this.subGrids = true;
    this.overlays = false;
    this.base = new Painted((context, view) => this.paintBase(context, view), { pane: "overlayPane" });
    this.over = new Painted((context, view) => this.paintOver(context, view), { pane: "shadowPane" });
    this.hand = new PointerLayer(
      () => editor.tool?.inHand() ?? null,
      (context, view) => this.paintHand(context, view),
    );
    map.addLayer(this.base).addLayer(this.over).addLayer(this.hand);
  }

  paintBase(context, view) {
    const { tiling, editor } = this;
    paintFills(context, tiling, view, (shape) => this.fillOf(shape));
    editor.published?.paint(context, view);
    paintBorders(context, tiling, view, { subGrids: this.subGrids, without: editor.tool?.moving?.id });
    if (this.overlays)
      outline(context, tiling, tiling.ofLevel("overlay"), view, { stroke: colour("notice"), width: 2, dash: [2, 4] });
    paintLabels(context, tiling, view, { second: (shape) => this.labelOf(shape) });
  }

  fillOf(shape) {
    if (shape.properties.kind === "dedicated") return faint("quiet", 0.13);
    return outOfRange(shape.properties) ? faint("range", 0.2) : null;
  }

  labelOf(shape) {
    const { kind, households } = shape.properties;
    if (kind === "dedicated") return { text: t("planner.dedicated"), colour: "quiet" };
    const out = outOfRange(shape.properties);
    return {
      text: t("planner.households_n", { n: number(households ?? 0) }),
      colour: out ? "range-ink" : "good-ink",
      strong: out,
    };
  }

  paintOver(context, view) {
    const { tiling, editor } = this;
    const accent = colour("accent");
    const chosen = this.chosen((code) => !this.held(code));
    if (editor.hovered && !editor.selected.includes(editor.hovered.code)) {
      outline(context, tiling, [editor.hovered], view, {
        fill: faint("accent", 0.06),
        stroke: faint("accent", 0.55),
        width: 2,
      });
    }
    this.paintChosen(context, view, chosen);
    paintErrors(context, view, editor.errorPlaces);
    for (const mark of editor.marks) paintMark(context, view, mark);
    this.paintCut(context, view, editor.forecast?.cut ?? []);
    editor.tool?.paint(context, view, accent);
  }

  chosen(wanted) {
    const { editor, tiling } = this;
    return editor.selected
      .filter(wanted)
      .map((code) => tiling.shapes.get(code))
      .filter(Boolean);
  }

  paintChosen(context, view, shapes) {
    outline(context, this.tiling, shapes, view, { fill: faint("accent", 0.13), stroke: colour("accent"), width: 3 });
  }

  // The grids that follow a vertex, chosen or not, and what is being drawn.
  paintHand(context, view) {
    this.paintChosen(
      context,
      view,
      this.chosen((code) => this.held(code)),
    );
    this.editor.tool.paintHand(context, view, colour("accent"));
  }

  held(code) {
    return Boolean(this.editor.tool?.moving?.codes.includes(code));
  }

  // The buildings that what is being drawn would cut.
  paintCut(context, view, buildings) {
    context.beginPath();
    for (const { rings: walls } of buildings) {
      for (const ring of walls)
        ring.forEach(({ x, y }, i) =>
          i
            ? context.lineTo(x * view.scale - view.x, y * view.scale - view.y)
            : context.moveTo(x * view.scale - view.x, y * view.scale - view.y),
        );
    }
    context.fillStyle = faint("bad", 0.35);
    context.fill("evenodd");
    context.lineWidth = 1.5;
    context.strokeStyle = colour("bad");
    context.stroke();
  }
}
