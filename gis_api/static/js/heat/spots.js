// Hot and cold spots of what the map shows: found when asked for, outlined and listed until something else is shown.
import { get } from "../api.js";
import { number, t } from "../config.js";
import { byId, el, failureBox, fill } from "../dom.js";
import { colour } from "../map/colours.js";

const CELLS = ["sub_grid", "grid", "community", "subdistrict"];
// The others are outlined on the map.
const LISTED = 8;
const PERS = ["count", "households"];

export class Spots {
  /** @param {{ box: HTMLElement, layer: any, address: () => string, isReleased: (layer: string) => boolean }} how */
  constructor({ box, layer, address, isReleased }) {
    this.box = box;
    this.layer = layer;
    this.address = address;
    this.isReleased = isReleased;
    /** @type {any} */
    this.wish = null;
    byId("find-spots").addEventListener("click", () => this.find());
  }

  // What was found is of another question now.
  forget(wish) {
    this.wish = wish;
    fill(this.box);
  }

  async find() {
    const { wish } = this;
    if (!wish) return;
    if (!CELLS.includes(wish.cell) || !PERS.includes(wish.per) || this.isReleased(wish.layer)) {
      fill(this.box, el("li", { class: "empty" }, t("heat.spots_not_here")));
      return;
    }
    try {
      const found = await get(this.address());
      if (this.wish === wish) this.show(found);
    } catch (problem) {
      fill(
        this.box,
        el(
          "li",
          {},
          failureBox(problem, () => this.find()),
        ),
      );
    }
  }

  show(found) {
    const kinds = new Map(found.spots.map((spot) => [spot.cell, spot.kind]));
    this.layer.eachLayer((path) => {
      const kind = kinds.get(path.feature.properties.cell);
      if (!kind) return;
      path.setStyle({
        color: colour(kind === "hot" ? "bad" : "accent"),
        weight: 3,
        dashArray: kind === "hot" ? null : "4 3",
      });
      path.bringToFront();
    });
    const row = ({ cell, name, kind, z, p }) =>
      t("heat.spots_row", { name: name || cell, kind: t(`heat.spots_${kind}`), z: z.toFixed(2), p: p.toFixed(4) });
    const { draws, seed, judged: n, islands, homeless } = found;
    const counts = { n: number(n), islands: number(islands.length), homeless: number(homeless) };
    const share = `${Math.round(found.false_share * 100)}%`;
    fill(
      this.box,
      found.spots
        .slice(0, LISTED)
        .map((spot) => el("li", { "data-spot": spot.cell, "data-kind": spot.kind }, row(spot))),
      found.spots.length > LISTED
        ? el("li", { class: "quiet" }, t("heat.spots_more", { n: number(found.spots.length - LISTED) }))
        : null,
      found.spots.length ? null : el("li", { class: "empty" }, t("heat.spots_none", { n: number(n) })),
      el(
        "li",
        { class: "quiet", "data-test": "heat-spots-about" },
        t("heat.spots_about", { draws: number(draws), seed, share, ...counts }),
      ),
    );
  }
}
