// What is kept and not decided yet, as a small card over the map: edits to decide about, and sketches to be drawn again.
import { clock, t } from "../config.js";
import { el, fill } from "../dom.js";
import { Painted } from "../map/canvas.js";
import { colour } from "../map/colours.js";
import { map } from "../map/place.js";
import { sketchOf } from "./bearing.js";
import { whatOf } from "./merge.js";
import { paintMark } from "./marks.js";

export class Kept {
  constructor(line, { decide, goTo }) {
    this.line = line;
    this.act = { decide, goTo };
    this.card = el("section", { class: "floating kept", "data-test": "planner-kept", "aria-label": t("together.kept"), hidden: true });
    document.querySelector(".stage").append(this.card);
    this.layer = new Painted((context, view) => this.paint(context, view), { pane: "shadowPane" });
    map.addLayer(this.layer);
  }

  show(open) {
    const held = this.line.held.filter((entry) => entry !== open);
    const rows = [...held.map((entry) => this.held(entry)), ...this.line.sketches.map((entry) => this.sketch(entry))];
    this.card.hidden = !rows.length;
    fill(this.card, el("h3", {}, t("together.kept")), el("ul", {}, rows));
    this.layer.redraw();
  }

  held(entry) {
    return this.row(entry, [this.button("decide_now", () => this.act.decide(entry), "main")]);
  }

  sketch(entry) {
    return this.row(entry, [
      this.button("look", () => this.act.goTo(entry)),
      this.button("again", () => this.line.decide(entry, "mine"), "main"),
      this.button("discard", () => this.line.decide(entry, "theirs")),
    ]);
  }

  row(entry, buttons) {
    return el("li", { "data-key": entry.key }, el("span", {}, `${clock(entry.at)} ${whatOf(entry)}`), el("span", { class: "actions" }, buttons));
  }

  button(name, act, kind = "") {
    return el("button", { type: "button", class: `small ${kind}`, "data-test": `kept-${name}`, onclick: act }, t(`together.${name}`));
  }

  // Sketches are dashed; so is what waits in line and only the service can draw.
  paint(context, view) {
    const waiting = this.line.waiting.filter(({ drawn }) => !drawn);
    context.setLineDash([7, 5]);
    for (const entry of [...this.line.sketches, ...this.line.held, ...waiting]) {
      const geometry = sketchOf(entry.body ?? {});
      if (geometry) paintMark(context, view, { geometry, name: "notice" });
    }
    context.setLineDash([]);
    context.strokeStyle = colour("notice");
  }
}
