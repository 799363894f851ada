// What is kept and not decided yet, as a small card over the map: edits to decide about, and sketches to be drawn
// again.
import { clock, t } from "../config.js";
import { byQuery, el, fill } from "../dom.js";
import { sketchOf } from "./operations/registry.js";
import { whatOf } from "./merge.js";
import { paintMark } from "./marks.js";

export class Kept {
  constructor(line, { decide, goTo, redraw }) {
    this.line = line;
    this.act = { decide, goTo };
    this.redraw = redraw;
    this.card = el("section", {
      class: "floating kept",
      "data-test": "planner-kept",
      "aria-label": t("together.kept"),
      hidden: true,
    });
    byQuery(".stage").append(this.card);
  }

  show(open) {
    const held = this.line.held.filter((entry) => entry !== open);
    const rows = [...held.map((entry) => this.held(entry)), ...this.line.sketches.map((entry) => this.sketch(entry))];
    this.card.hidden = !rows.length;
    fill(this.card, el("h3", {}, t("together.kept")), el("ul", {}, rows));
    this.redraw();
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
    return el(
      "li",
      { "data-key": entry.key },
      el("span", {}, `${clock(entry.at)} ${whatOf(entry)}`),
      el("span", { class: "actions" }, buttons),
    );
  }

  button(name, act, kind = "") {
    return el(
      "button",
      { type: "button", class: `small ${kind}`, "data-test": `kept-${name}`, onclick: act },
      t(`together.${name}`),
    );
  }

  // What is seen on the map: sketches, what has to be decided about, what waits and only the service can draw.
  get places() {
    const waiting = this.line.waiting.filter(({ drawn }) => !drawn);
    return [...this.line.sketches, ...this.line.held, ...waiting]
      .map((entry) => sketchOf(entry.body ?? {}))
      .filter(Boolean);
  }

  paint(context, view) {
    context.setLineDash([7, 5]);
    for (const geometry of this.places) paintMark(context, view, { geometry, name: "notice" });
    context.setLineDash([]);
  }
}
