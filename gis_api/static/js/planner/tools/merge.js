// The selected neighbours become one grid.
import { config, t } from "../../config.js";
import { byTouch } from "../touch.js";
import { mergingObstacle } from "../obstacles.js";
import { impossible } from "../words.js";
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
    this.obstacle = this.enough ? mergingObstacle(this.editor.tiling, selected) : null;
    this.editor.foresee(this.enough && !this.obstacle ? () => balance.joined(selected, into) : null);
  }

  stop() {
    this.editor.foresee(null);
  }

  // While the selected ones cannot become one, the tip says why instead of what lies below.
  hover({ containerPoint }) {
    if (!this.obstacle) return false;
    this.tell(containerPoint);
    return true;
  }

  tell(point) {
    this.editor.tip.show(point, t("planner.tool_merge"), impossible(this.obstacle), { impossible: true });
  }

  // Told at once, where the click was that made it so.
  click(event) {
    super.click(event);
    if (this.obstacle) this.tell(event.containerPoint);
  }

  hint() {
    return this.obstacle ? impossible(this.obstacle) : super.hint();
  }

  confirm() {
    return this.enough && !this.obstacle
      ? { words: t(byTouch() ? "planner.merge_selected" : "planner.confirm_merge"), act: () => this.merge() }
      : null;
  }

  key(event) {
    if (event.key !== "Enter" || !this.enough) return false;
    if (this.obstacle) this.editor.desk.say(config.refusals[this.obstacle], "bad");
    else this.merge();
    return true;
  }

  merge() {
    this.editor.apply({ op: "merge", codes: this.editor.selected });
  }
}
