// Drawing together: brings the plan's store, the live stream, the people and the questions of a merge to the editor.
import { clock, config, number, t } from "../config.js";
import { byQuery, byTest, el } from "../dom.js";
import { Painted } from "../map/canvas.js";
import { map, show } from "../map/place.js";
import { boxOf, storedOf } from "../map/world.js";
import { sketchOf } from "./operations/registry.js";
import { Kept } from "./kept.js";
import { Live } from "./live.js";
import { deedOf, MergeDialog, nameOf } from "./merge.js";
import { People } from "./people.js";

const EXACT_AFTER_MS = 1500;
const NEWS_MS = 6000;
const LOOK_EVERY_MS = 300;

export class Together {
  constructor(editor) {
    const { store, tiling } = editor;
    this.editor = editor;
    this.store = store;
    this.tiling = tiling;
    this.truth = new Map();
    store.attach({
      tiling,
      busy: () => Boolean(editor.tool?.moving),
      figures: (op) => this.figures(op),
      takenBack: () => this.shown([]),
    });
    const redraw = () => this.redraw();
    this.people = new People(tiling, { goTo: (code) => editor.goTo(code), redraw });
    this.merge = new MergeDialog(store, tiling);
    this.kept = new Kept(store.line, {
      decide: (entry) => this.merge.ask(entry),
      goTo: (entry) => this.look(entry),
      redraw,
    });
    this.layer = new Painted((context, view) => this.paint(context, view), { pane: "shadowPane" });
    map.addLayer(this.layer);
    this.redraw();
    this.news = el("p", { class: "news", role: "status", "data-test": "planner-news", hidden: true });
    byQuery(".stage").append(this.news);
    this.listen();
    this.live = new Live(store, {
      here: (people) => this.people.show(people),
      state: (told) => this.turned(told),
      over: () => this.over(),
    });
    setInterval(() => this.tell(), LOOK_EVERY_MS);
    map.on(
      "mousemove",
      (event) => (this.pointer = storedOf(event.latlng).map((degrees) => Number(degrees.toFixed(6)))),
    );
    map.on("mouseout", () => (this.pointer = null));
    store.line.restore();
  }

  listen() {
    const { store } = this;
    store.addEventListener("theirs", (event) => this.theirs(event.detail));
    store.addEventListener("drawn", (event) => this.drawn(event.detail));
    store.addEventListener("answered", (event) => this.answered(event.detail));
    store.addEventListener("conflict", (event) => this.merge.ask(event.detail));
    store.addEventListener("reload", () => this.reload());
    store.addEventListener("saved", (event) => this.undone(event.detail));
    for (const name of ["waiting", "saved", "refused"]) store.addEventListener(name, () => this.state());
  }

  paint(context, view) {
    this.kept.paint(context, view);
    this.people.paint(context, view);
  }

  // A canvas with nothing on it is taken off the screen: alone, nobody pays for the company.
  redraw() {
    const seen = this.people.visible || this.kept.places.length > 0;
    this.layer._container?.toggleAttribute("hidden", !seen);
    if (seen) this.layer.redraw();
  }

  // What one does here, for the others; and what arrived while a vertex was in the hand.
  tell() {
    const { editor } = this;
    this.store.settle();
    const at = this.people.here.length ? (this.pointer ?? undefined) : undefined;
    this.live.tell({ grids: editor.selected.slice(0, 20), tool: editor.tool?.name, at });
  }

  figures(op) {
    const { balance } = this.editor;
    if (!["move_vertex", "insert_vertex"].includes(op?.op) || !balance.before) return null;
    const told = balance.now();
    return (
      told &&
      Object.fromEntries(
        [...told.figures].map(([code, figures]) => [code, figures.map(({ households }) => households)]),
      )
    );
  }

  // Edits of others

  theirs(news) {
    if (this.editor.tool?.moving) {
      setTimeout(() => this.theirs(news), LOOK_EVERY_MS);
      return;
    }
    this.put(this.shown(news.changed, news.removed), news.removed);
    this.say(news);
    clearTimeout(this.exact);
    this.exact = setTimeout(() => this.store.check().catch(() => null), EXACT_AFTER_MS);
  }

  // The history is one for all: an undo may take back what somebody else did, and says so.
  undone({ by, op }) {
    if (by && by !== config.person.name)
      this.show(t("together.turned", { who: by, what: deedOf({ action: "edit", op }) }));
  }

  say({ lines, changed }) {
    const others = lines.filter((line) => line.codes.length && !this.store.keys.has(line.key));
    if (!others.length) return;
    const { by } = others.at(-1);
    const words =
      others.length === 1
        ? t("together.news", { who: nameOf(by), what: deedOf(others[0]) })
        : t("together.news_many", {
            who: [...new Set(others.map((line) => nameOf(line.by)))].join(t("together.and")),
            n: number(others.length),
          });
    this.show(words);
    this.people.flash(
      by,
      changed.map(({ properties }) => properties.code),
    );
  }

  show(words) {
    this.news.textContent = words;
    this.news.hidden = false;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => (this.news.hidden = true), NEWS_MS);
  }

  // The plan was submitted, returned, published …
  async turned({ by, action }) {
    await this.store.refresh().catch(() => null);
    if (by && by !== config.person.name && action) this.editor.desk.say(t(`together.did_${action}`, { who: by }));
  }

  async reload() {
    if (this.reloading) return;
    this.reloading = true;
    this.truth.clear();
    await this.editor.reload(t("together.reloaded")).catch(() => null);
    this.put(this.shown([]), []);
    this.reloading = false;
  }

  // Signed out, or no planner any more: whatever is asked next says so, and what is drawn stays on the screen.
  over() {
    this.people.show([]);
    this.store.catchUp(this.store.version).catch(() => null);
  }

  // The map with what waits in line drawn over what the server said

  drawn(entry) {
    for (const feature of entry.drawn ?? [])
      this.remember(feature.properties.code, this.tiling.shapes.get(feature.properties.code)?.feature);
    this.editor.desk.showPlan();
    this.redraw();
  }

  remember(code, feature) {
    if (feature && !this.truth.has(code)) this.truth.set(code, feature);
  }

  answered({ changed = [], removed = [] }) {
    this.put(this.shown(changed, removed), removed);
    if (this.store.report) this.editor.desk.touch(changed, { removed });
  }

  // The features to show when the server has told these: its own where nothing waits, else as the waiting edits draw
  // them.
  shown(changed, removed = []) {
    const now = new Map([...this.truth, ...changed.map((feature) => [feature.properties.code, feature])]);
    for (const code of removed) now.delete(code);
    this.truth = new Map();
    for (const entry of this.store.line.waiting) {
      for (const feature of entry.drawn ?? []) {
        const { code } = feature.properties;
        this.remember(code, now.get(code) ?? this.tiling.shapes.get(code)?.feature);
        if (this.truth.has(code)) now.set(code, { ...feature, properties: this.truth.get(code).properties });
      }
    }
    return [...now.values()];
  }

  put(changed, removed) {
    this.editor.leave();
    const { editor, tiling } = this;
    for (const code of removed) tiling.drop(code);
    tiling.add(changed);
    tiling.rebuild();
    editor.selected = editor.selected.filter((code) => tiling.shapes.has(code));
    editor.redraw();
    editor.arm();
    editor.desk.showHouseholds();
    editor.desk.showPlan();
    // Before the first report there is nothing to show of one.
    if (this.store.report) editor.desk.showReport();
    this.redraw();
  }

  // Words in the top bar, and the card of what is kept

  state() {
    const { line } = this.store;
    this.kept.show(this.merge.open);
    const box = byTest("planner-save-state");
    if (!line.waits) {
      const over = box.classList.contains("waiting") || (box.classList.contains("saving") && !this.store.pending);
      if (over) this.editor.desk.showState();
      return;
    }
    box.className = "save waiting";
    const key = line.stopped ? "together.stopped" : "together.waiting";
    box.textContent = t(key, { n: number(line.waiting.length), time: clock(line.lostAt ?? Date.now()) });
  }

  look(entry) {
    const geometry = sketchOf(entry.body ?? {});
    if (geometry) show(boxOf([geometry]), { animate: true, maxZoom: 19, padding: [160, 160] });
  }
}
