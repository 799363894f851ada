// Tools that begin with a drawing: a line or an area, clicked corner by corner, then one operation.
import { number, t } from "../../config.js";
import { byTouch } from "../touch.js";
import { shortCode } from "../../model/names.js";
import { impossible } from "../words.js";
import { Tool } from "./tool.js";

export class Drawn extends Tool {
  // "line" or "area".
  static draws = "line";
  static counts = true;

  get sketch() {
    return this.editor.sketch;
  }

  // What the finished drawing (GeoJSON) is for; its corners are as they were clicked.
  /** @type {(geometry: any, corners: any[]) => void} */
  drawn() {}

  // Refused, or thought better of, the drawing stays in the hand, so that one corner can be mended. What waits for a
  // decision is kept elsewhere.
  send(operation, corners) {
    return this.editor.apply(operation, { refused: (problem) => problem.held || this.takeUp(corners) });
  }

  takeUp(corners) {
    if (this.editor.tool === this) this.sketch.takeUp(this.kind.draws, corners);
  }

  // What the drawing would do, from its corners in world units; null where that cannot be said yet.
  /** @type {(places: any[]) => any} */
  foreseen() {
    return null;
  }

  // Why the service would refuse the drawing as it is now (obstacles.js), null where nothing is known against it.
  /** @type {(places: any[]) => any} */
  obstacle() {
    return null;
  }

  preview() {
    const { places } = this.sketch;
    const enough = places.length >= (this.kind.draws === "area" ? 3 : 2);
    this.editor.foresee(this.sketch.kind && enough ? () => this.foreseen(places) : null, (seen) => this.tellOf(seen));
  }

  arm() {
    const { draws } = this.kind;
    if (!this.enough) this.sketch.stop();
    else if (this.sketch.kind !== draws) this.sketch.start(draws, (geometry, corners) => this.drawn(geometry, corners));
  }

  stop() {
    this.sketch.stop();
    this.editor.foresee(null);
  }

  press(event) {
    this.sketch.press(event);
  }

  click(event) {
    if (this.sketch.kind) this.sketch.click(event);
    else super.click(event);
  }

  // While something is drawn the tip tells of it, not of the grid below: with the next frame, as the panel does.
  hover({ containerPoint }) {
    const { editor } = this;
    if (!this.sketch.corners.length) return false;
    this.at = containerPoint;
    if (editor.hovered) editor.point(null);
    if (!editor.forecast.make) editor.tip.hide();
    return true;
  }

  tellOf(seen) {
    if (!this.at || !this.sketch.corners.length) return;
    const obstacle = this.obstacle(this.sketch.places);
    const words = obstacle ? impossible(obstacle) : this.words(seen);
    const title = t(`planner.tool_${this.name}`);
    if (words) this.editor.tip.show(this.at, title, words, { impossible: Boolean(obstacle) });
    else this.editor.tip.hide();
  }

  words(seen) {
    if (!seen) return "";
    const counts = [...seen.figures].map(([code, [before, after]]) =>
      t("planner.before_after", {
        grid: shortCode(code),
        before: number(before.households),
        after: number(after.households),
      }),
    );
    const fresh =
      seen.fresh === undefined
        ? null
        : `${t("planner.new_grid")} ${t("planner.households_n", { n: number(seen.fresh.households) })}`;
    return [fresh, ...counts, seen.cut?.size ? t("planner.cuts", { n: number(seen.cut.size) }) : null]
      .filter(Boolean)
      .slice(0, 5)
      .join(" · ");
  }

  key(event) {
    return this.sketch.key(event);
  }

  confirm() {
    return this.sketch.complete
      ? { words: t(byTouch() ? "planner.finished" : "planner.finish"), act: () => this.sketch.finish() }
      : null;
  }

  inHand() {
    return this.sketch.box;
  }

  paintHand(context, view, accent) {
    this.sketch.paint(context, view, accent);
  }
}
