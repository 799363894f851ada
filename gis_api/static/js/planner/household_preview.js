// What an edit would do, while it is being drawn, and what the last one did: households of the touched grids before and
// after, who changes hands, which buildings would be cut. Drawn at most once a frame.
import { number, t } from "../config.js";
import { byId, byTest, el, fill } from "../dom.js";
import { paintSoon } from "../map/frame.js";
import { showForecast, showSizes } from "./panel.js";
import { shortCode } from "../model/names.js";

const MOST_PAIRS = 6;
const NOTHING = new Set();

export class HouseholdPreview {
  constructor(tiling, { over, restore }) {
    this.tiling = tiling;
    this.tell = { over, restore };
    this.list = byTest("planner-households");
    this.hands = byTest("planner-hands");
    this.cutLine = byTest("planner-cut");
    this.seen = null;
    this.make = null;
  }

  get cut() {
    return this.seen?.cut ?? new Set();
  }

  // `make` gives the forecast when the next frame is drawn, however often the pointer moves until then; null where
  // nothing is being drawn any more. `after` is told what was seen.
  /** @param {any} make @param {(seen: any) => void} [after] */
  show(make, after = () => null) {
    if (!make && !this.make && !this.seen) return;
    this.make = make;
    this.after = after;
    paintSoon(this);
  }

  _draw() {
    const seen = this.make?.() ?? null;
    const before = this.seen;
    this.seen = seen;
    if (this.make) this.after?.(seen);
    if (!seen && !before) return;
    this.list.classList.toggle("foreseen", Boolean(seen));
    this.hands.setAttribute("aria-live", seen ? "off" : "polite");
    if (!same(seen?.cut, before?.cut)) this.tell.over();
    if (seen && this.shows(seen)) {
      showSizes(this.list, seen);
      return;
    }
    if (!seen) {
      this.said = null;
      this.showCut(0);
      fill(this.hands);
      this.tell.restore();
      return;
    }
    showForecast(this.list, document.getElementById("households-lead"), {
      tiling: this.tiling,
      figures: seen.figures,
      fresh: seen.fresh,
    });
    byId("households-title").textContent = t("planner.foreseen_title");
    this.showMoves(seen.moves, "planner.hands_now");
    this.showCut(seen.cut?.size ?? 0);
    this.said = textOf(seen);
    this.first = this.list.firstElementChild;
  }

  // Between most steps of the pointer no building changes hands: then the panel stays as it is, but for the areas.
  shows(seen) {
    return this.said === textOf(seen) && this.first === this.list.firstElementChild;
  }

  showCut(buildings) {
    this.cutLine.hidden = !buildings;
    this.cutLine.textContent = buildings ? t("planner.cuts", { n: number(buildings) }) : "";
  }

  // After an edit: which households have another grid now, by pair of grids.
  done(moves) {
    if (this.make) return;
    this.showMoves(moves, "planner.hands_done");
  }

  showMoves(moves, title) {
    const some = moves.filter(({ buildings }) => buildings > 0);
    fill(
      this.hands,
      some.length ? el("h3", {}, t(title)) : null,
      el(
        "ul",
        { class: "moves" },
        some
          .slice(0, MOST_PAIRS)
          .map((move) => el("li", { "data-from": move.from ?? "", "data-to": move.to ?? "" }, wordsOf(move))),
      ),
    );
  }
}

function textOf({ figures, fresh, moves, cut }) {
  return JSON.stringify([[...figures], fresh, moves, cut?.size], (name, value) =>
    name === "area_m2" ? undefined : value,
  );
}

function same(one = NOTHING, other = NOTHING) {
  return one.size === other.size && [...one].every((building) => other.has(building));
}

function wordsOf({ from, to, households, buildings }) {
  const name = (code) => (code ? shortCode(code) : t("planner.no_grid"));
  return t("planner.move", {
    n: number(households),
    buildings: number(buildings),
    from: name(from),
    to: to ? name(to) : t("planner.new_grid"),
  });
}
