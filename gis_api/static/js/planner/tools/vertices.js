// The vertices of the selected grid can be dragged; every grid that shares one follows while it moves. An overlay
// shares none: it gets another outline.
import { config, number, t } from "../../config.js";
import { colour, faint } from "../../map/colours.js";
import { map } from "../../map/place.js";
import { toWorld } from "../../map/world.js";
import { union } from "../household_figures.js";
import { Handles } from "../handles.js";
import { paintSnap, WORD_PX } from "../marks.js";
import { outline } from "../../draw/paint.js";
import { movingObstacle } from "../obstacles.js";
import { shortCode } from "../../model/names.js";
import { impossible } from "../words.js";
import { Tool } from "./tool.js";
import { pointOf } from "../../map/leaflet.js";

export class Vertices extends Tool {
  static name = "vertices";
  static key = "e";
  static picture =
    "M10 2l7.5 8-7.5 8L2.500 10zM8.500 0.500h3v3h-3zM8.500 16.500h3v3h-3zM0.500 8.500h3v3h-3zM16.500 8.500h3v3h-3z";
  static keeps = true;
  static counts = true;

  constructor(editor) {
    super(editor);
    this.tiling = editor.tiling;
    /** @type {{id: number, codes: string[], grids: string[], title: string, place?: any} | null} */
    this.held = null;
    this.handles = new Handles(this.tiling, editor.gesture, {
      snap: (latlng, id, free) => this.snapped(latlng, id, free),
      moving: (id, position, place) => this.drag(id, position, place),
      moved: (held, to) => this.drop(held, to, { op: "move_vertex", from: held.from, to }),
      bent: (held, to) => this.drop(held, to, { op: "insert_vertex", at: held.from, to }),
      erased: (at, id) => this.erase(at, id),
      refused: (id) => this.refuse(id),
      back: () => this.putBack(),
    });
  }

  get moving() {
    return this.held;
  }

  // The overlay whose vertices are shown, if it is one.
  get overlay() {
    const shape = this.tiling.shapes.get(this.editor.selected[0]);
    return shape?.level === "overlay" ? shape : null;
  }

  arm() {
    const { selected, editing } = this.editor;
    // An answer that comes while the next vertex hangs on the pointer does not take it out of the hand.
    if (this.handles.held && this.handles.bendAgain()) return;
    if (this.handles.held) this.editor.gesture.between("refusal");
    this.handles.show(editing && selected.length === 1 ? selected[0] : null);
  }

  stop() {
    this.handles.hide();
  }

  key(event) {
    const id = event.key === "Delete" ? this.handles.underPointer() : undefined;
    if (id === undefined) return super.key(event);
    this.handles.erase(id);
    return true;
  }

  // A vertex of the tiling snaps to the ground only: on another border it could not stay.
  snapped(latlng, id, free) {
    const { overlay } = this;
    return this.editor.snapper.find(latlng, {
      free,
      without: overlay ? new Set([overlay.code]) : null,
      ground: !overlay,
    });
  }

  drag(id, position, place = null) {
    const held = this.held && this.held.id === id ? this.held : this.lift(id);
    held.place = place;
    this.tiling.nudge(id, position);
    this.editor.scene.hand.redraw();
    this.editor.foresee(
      () => this.foreseen(),
      (seen) => this.tellOf(seen),
    );
  }

  foreseen() {
    const { held } = this;
    const { balance } = this.editor;
    const told = held?.grids.length ? balance.now() : null;
    return held && told ? { ...told, cut: balance.cut(balance.edgesAt(held.id, held.grids)) } : null;
  }

  tellOf(seen) {
    const { held } = this;
    if (!held) return;
    const { x, y } = this.tiling.points[held.id];
    const obstacle = this.overlay ? null : movingObstacle(this.tiling, held.id, Boolean(this.handles.held?.bent));
    const words = obstacle ? impossible(obstacle) : this.words(held, seen);
    this.editor.tip.show(this.pixel(x, y), held.title, words, { impossible: Boolean(obstacle) });
  }

  pixel(x, y) {
    const scale = 2 ** map.getZoom();
    const origin = map.getPixelOrigin();
    return map.layerPointToContainerPoint(pointOf(x * scale - origin.x, y * scale - origin.y));
  }

  lift(id) {
    const codes = [...this.tiling.points[id].owners];
    const grids = codes.filter((code) => this.tiling.shapes.get(code).level === "grid");
    const title = this.overlay ? t("planner.overlay_vertex") : t("planner.shared_vertex", { n: grids.length });
    /** @type {{id: number, codes: string[], grids: string[], title: string, place?: any}} */
    const held = { id, codes, grids, title };
    this.held = held;
    this.editor.balance.start(grids, id);
    this.editor.redraw();
    return held;
  }

  words(held, seen) {
    if (!seen) return held.grids.map(shortCode).join(" · ");
    const { figures, cut } = seen;
    const counts = [...figures].map(([code, [before, after]]) =>
      t("planner.before_after", {
        grid: shortCode(code),
        before: number(before.households),
        after: number(after.households),
      }),
    );
    return [...counts, cut.size ? t("planner.cuts", { n: number(cut.size) }) : null].filter(Boolean).join(" · ");
  }

  async drop(held, to, operation) {
    const { overlay } = this;
    const moving = this.emptyHand();
    if (String(to) === String(held.from)) {
      this.springBack(moving);
      return;
    }
    const sent = overlay ? this.redrawn(overlay, (id) => (id === held.id ? to : undefined)) : operation;
    await this.editor.apply(sent, {
      // Where nothing changed no shape comes that would take the place of what was moved for the eye.
      before: ({ changed }) => (changed.length ? this.tiling.settle(held.id) : this.springBack(moving)),
      refused: () => this.springBack(moving),
    });
  }

  // A vertex that stands still was pulled.
  refuse(id) {
    const { lon, lat } = this.tiling.points[id];
    this.editor.mark({ type: "Point", coordinates: [lon, lat] }, "bad");
    this.editor.desk.say(config.refusals.frame_vertex, "bad");
  }

  // The pointer is on a vertex: of one that stands still it is said before it is pulled.
  hoverVertex(element, point) {
    const id = this.handles.idOf.get(element);
    const still = id !== undefined && this.tiling.fixed.has(id);
    if (still) this.editor.tip.show(point, t("planner.fixed_vertex"), impossible("frame_vertex"), { impossible: true });
    return still;
  }

  emptyHand() {
    const { held } = this;
    this.held = null;
    this.editor.tip.hide();
    this.editor.foresee(null);
    return held;
  }

  // Something came in between: the vertex stands where it stood, and nothing was sent.
  putBack() {
    this.springBack(this.emptyHand());
  }

  erase(at, id) {
    this.editor.apply(
      this.overlay
        ? this.redrawn(this.overlay, (other) => (other === id ? null : undefined))
        : { op: "delete_vertex", at },
    );
  }

  // The overlay with other positions: `at(id)` gives a new one, null takes the vertex out, undefined leaves it.
  redrawn(shape, at) {
    const place = (id) => {
      const other = at(id);
      return other === undefined ? [this.tiling.points[id].lon, this.tiling.points[id].lat] : other;
    };
    const coordinates = shape.polygons.map((polygon) =>
      polygon.map((ring) => {
        const places = ring.map(place).filter(Boolean);
        return [...places, places[0]];
      }),
    );
    return { op: "reshape", code: shape.code, geometry: { type: "MultiPolygon", coordinates } };
  }

  springBack(moving) {
    if (moving) {
      const codes = new Set([...moving.codes, ...this.tiling.points[moving.id].owners]);
      this.tiling.settle(moving.id);
      this.tiling.restore([...codes].filter((code) => this.tiling.shapes.has(code)));
    }
    this.tiling.rebuild();
    this.editor.redraw();
    this.editor.arm();
  }

  get touched() {
    return (this.held?.codes ?? []).map((code) => this.tiling.shapes.get(code)).filter(Boolean);
  }

  // The grids that follow, and room for the word of a snap beside the vertex.
  inHand() {
    if (!this.held) return null;
    const { x, y } = this.tiling.points[this.held.id];
    const word = this.held.place?.snapped ? WORD_PX / 2 ** map.getZoom() : 0;
    return union([[x, y, x + word, y], ...this.touched.map(({ box }) => box)]);
  }

  paintHand(context, view, accent) {
    const { touched } = this;
    outline(
      context,
      this.tiling,
      touched.filter((shape) => shape.level === "sub_grid"),
      view,
      { stroke: colour("sub-grid"), width: 1, dash: [4, 3] },
    );
    outline(
      context,
      this.tiling,
      touched.filter((shape) => shape.level !== "sub_grid"),
      view,
      { fill: faint("accent", 0.06), stroke: accent, width: 2 },
    );
    const place = this.held?.place;
    if (!place?.snapped) return;
    const [x, y] = toWorld(...place.stored);
    paintSnap(context, [x * view.scale - view.x, y * view.scale - view.y], place, accent);
  }
}
