// A gap under the pointer goes to the grid beside it on whose side the pointer is, or to the selected one; what a click
// would do is shown before it is done.
import { t } from "../../config.js";
import { faint } from "../../map/colours.js";
import { storedOf, toWorld } from "../../map/world.js";
import { holds } from "../household_figures.js";
import { innerPoint, paintMark } from "../marks.js";
import { outline } from "../../draw/paint.js";
import { shortCode } from "../../model/names.js";
import { footOf, rings } from "../../model/geometry.js";
import { Tool } from "./tool.js";

export class Fill extends Tool {
  static name = "fill";
  static key = "f";
  static picture = "M3 3h14v14H3zM8 8h4v4H8zM3 3l5 5M17 3l-5 5M3 17l5-5M17 17l-5-5";

  constructor(editor) {
    super(editor);
    this.aim = null;
  }

  stop() {
    this.aim = null;
  }

  arm() {
    this.aim = null;
  }

  hover({ latlng, containerPoint }) {
    const before = this.aim;
    this.aim = this.aimAt(latlng);
    if (this.aim?.gap !== before?.gap || this.aim?.into !== before?.into) this.editor.over.redraw();
    if (!this.aim) return false;
    this.editor.tip.show(
      containerPoint,
      t("planner.fill_into", { grid: shortCode(this.aim.into) }),
      t("planner.fill_other"),
    );
    return true;
  }

  // The gap at a place and the grid that a click would give it to.
  aimAt(latlng) {
    const [x, y] = toWorld(...storedOf(latlng));
    const gap = this.gaps().find(({ where }) => polygonsOf(where).some((polygon) => holds(worldOf(polygon[0]), x, y)));
    if (!gap) return null;
    const [selected] = this.editor.selected;
    const { tiling } = this.editor;
    const codes = [...new Set(gap.codes.map((code) => tiling.gridOf(code)))];
    if (codes.includes(selected)) return { gap, into: selected };
    const beside = codes.map((code) => tiling.shapes.get(code)).filter(Boolean);
    const away = beside.map((shape) => ({ into: shape.code, away: this.awayFrom(shape, x, y) }));
    const nearest = away.sort((a, b) => a.away - b.away)[0];
    return nearest ? { gap, into: nearest.into } : null;
  }

  gaps() {
    return (this.editor.store.report?.defects ?? []).filter(({ kind, where }) => kind === "gap" && where);
  }

  awayFrom(shape, x, y) {
    let best = Infinity;
    for (const ring of rings(shape)) {
      const points = ring.map((id) => this.editor.tiling.points[id]);
      for (let i = 0; i < points.length; i += 1)
        best = Math.min(best, footOf(points[i], points[(i + 1) % points.length], x, y).away);
    }
    return best;
  }

  click({ latlng }) {
    const aim = this.aimAt(latlng);
    if (aim) this.fill(aim.gap.where, aim.into, storedOf(latlng));
    else this.fillHere(latlng);
  }

  // Where the report knows no gap (it may be old) the server is asked.
  fillHere(latlng) {
    const into = this.editor.selected[0] ?? this.editor.shapeAt(latlng, "grid")?.code;
    if (into) this.fill(null, into, storedOf(latlng));
    else this.editor.hint.textContent = t("planner.hint_fill_choose");
  }

  fill(where, into, at) {
    const coordinates = at ?? innerPoint(where);
    this.aim = null;
    this.editor.apply({ op: "fill_gap", where: { type: "Point", coordinates }, into });
  }

  paint(context, view, accent) {
    if (!this.aim) return;
    const shape = this.editor.tiling.shapes.get(this.aim.into);
    if (shape)
      outline(context, this.editor.tiling, [shape], view, { fill: faint("accent", 0.2), stroke: accent, width: 3 });
    paintMark(context, view, { geometry: this.aim.gap.where, name: "accent" });
  }
}

const polygonsOf = ({ type, coordinates }) =>
  type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? coordinates : [];
const worldOf = (ring) =>
  ring.map(([lon, lat]) => {
    const [x, y] = toWorld(lon, lat);
    return { x, y };
  });
