// Dividing an area by households: a click chooses the area, all else stands in the panel.
import { colour, faint } from "../../map/colours.js";
import { outline } from "../../draw/paint.js";
import { paintShapes } from "../../draw/shapes.js";
import { DividePanel } from "../dividing/panel.js";
import { Tool } from "./tool.js";

export class Divide extends Tool {
  static name = "divide";
  static key = "d";
  static picture = "M3 3h14v14H3zM9 3v8M3 11h14M13 11v6";

  constructor(editor) {
    super(editor);
    this.panel = new DividePanel(editor, { leave: () => editor.rail.choose("select") });
  }

  start() {
    this.panel.begin();
  }

  stop() {
    this.panel.end();
  }

  click({ latlng }) {
    const grid = this.editor.shapeAt(latlng, "grid");
    this.panel.click(grid && { ...grid.properties, code: grid.code, parent: grid.parent });
  }

  paint(context, view) {
    const { tiling } = this.editor;
    const { chosen, outlines, looked } = this.panel;
    if (looked) paintShapes(context, outlines, view);
    else outline(context, tiling, chosen, view, { fill: faint("accent", 0.14), stroke: colour("accent"), width: 2 });
  }
}
