// The selected neighbours become one grid.
import { t } from "../../config.js";
import { byFinger } from "../finger.js";
import { Tool } from "./tool.js";

export class Merge extends Tool {
  static name = "merge";
  static key = "m";
  static picture = "M3 3h14v14H3zM10 3v4M10 13v4M6 10h8M8 8l-2 2 2 2M12 8l2 2-2 2";
  static needed = 2;
  static many = true;
  static keeps = true;

  arm() {
    const { selected, balance } = this.editor;
    const [into] = [...selected].sort();
    this.editor.foresee(this.enough ? () => balance.joined(selected, into) : null);
  }

  stop() {
    this.editor.foresee(null);
  }

  confirm() {
    return this.enough
      ? { words: t(byFinger() ? "planner.merge_selected" : "planner.confirm_merge"), act: () => this.merge() }
      : null;
  }

  key(event) {
    if (event.key !== "Enter" || !this.enough) return false;
    this.merge();
    return true;
  }

  merge() {
    this.editor.apply({ op: "merge", codes: this.editor.selected });
  }
}
