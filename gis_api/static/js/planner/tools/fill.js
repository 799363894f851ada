// A gap under the pointer goes to the selected grid, or to the one that lies beside it.
import { t } from "../../config.js";
import { storedOf } from "../../map/world.js";
import { Tool } from "./tool.js";

export class Fill extends Tool {
  static name = "fill";
  static key = "f";
  static picture = "M3 3h14v14H3zM8 8h4v4H8zM3 3l5 5M17 3l-5 5M3 17l5-5M17 17l-5-5";

  click({ latlng }) {
    const into = this.editor.selected[0] ?? this.editor.shapeAt(latlng, "grid")?.code;
    if (into) this.editor.apply({ op: "fill_gap", where: { type: "Point", coordinates: storedOf(latlng) }, into });
    else this.editor.hint.textContent = t("planner.hint_fill_choose");
  }
}
