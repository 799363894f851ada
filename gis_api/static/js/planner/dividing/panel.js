// The panel's part of dividing: ask, watch, compare, look at one proposal on the map, apply it as one edit. The work
// goes on without the page and is found again here.
import { untilThere } from "../../again.js";
import { call, get } from "../../api.js";
import { clock, t } from "../../config.js";
import { byId, el, failureBox, fill, refusalBox } from "../../dom.js";
import { shapeOf } from "../../draw/shapes.js";
import { boxOf } from "../../map/world.js";
import { show } from "../../map/place.js";
import { watch } from "../../parts/jobs.js";
import { Comments } from "./comments.js";
import { figuresTable, nameOf, openComparison } from "./comparison.js";
import { isEstimated, rowsOf, sortedRemarks } from "./figures.js";
import { DivisionForm } from "./form.js";
import { remarkRows } from "./words.js";

const OPEN = ["queued", "running"];

export class DividePanel {
  // `editor` is the page's; `leave` chooses another tool.
  constructor(editor, { leave }) {
    this.editor = editor;
    this.leave = leave;
    this.box = byId("part-divide");
    this.open = false;
    /** @type {any} the job that is under way or whose proposals are compared */
    this.job = null;
    /** @type {string | null} the profile that is looked at on the map */
    this.looked = null;
    /** @type {any[]} outlines of what is looked at, and the grids of the chosen area */
    this.outlines = [];
    this.chosen = [];
    this.form = new DivisionForm({
      about: () => ({ plan: editor.store.plan, grids: this.gridsNow() }),
      send: (body, values) => this.ask(body, values),
      changed: (grids) => this.mark(grids),
    });
    this.box.addEventListener("keydown", (event) => event.key === "Escape" && this.escape(event));
  }

  gridsNow() {
    const { tiling } = this.editor;
    const parts = new Map();
    for (const { parent } of tiling.ofLevel("sub_grid")) parts.set(parent, (parts.get(parent) ?? 0) + 1);
    return tiling
      .ofLevel("grid")
      .map(({ properties, parent, code }) => ({ ...properties, code, parent, parts: parts.get(code) ?? 0 }));
  }

  begin() {
    this.open = true;
    this.box.hidden = false;
    const { editor } = this;
    editor.gesture.draw({ back: () => this.escape(), undo: () => false, redo: () => false, leave: () => false });
    const [selected] = editor.selected;
    this.form.list();
    const grid = this.gridsNow().find(({ code }) => code === selected);
    if (grid && !this.form.values.area) this.form.pickAround(grid);
    if (this.job && OPEN.includes(this.job.state)) this.showProgress(this.job);
    else this.choose();
    this.box.scrollIntoView({ block: "start" });
    this.findEarlier();
  }

  end() {
    this.open = false;
    this.box.hidden = true;
    this.stopLooking();
    this.chosen = [];
    this.editor.gesture.draw(null);
  }

  // Escape: from one proposal back to all, else out of dividing; the work goes on.
  escape(event) {
    event?.stopPropagation();
    // A dialog that opens while Escape is under way is closed by it.
    if (this.looked) setTimeout(() => this.looked && this.compare());
    else this.leave();
    return true;
  }

  click(grid) {
    if (grid && !this.looked && !(this.job && OPEN.includes(this.job.state))) this.form.pickAround(grid);
  }

  mark(grids) {
    this.chosen = grids.map(({ code }) => this.editor.tiling.shapes.get(code)).filter(Boolean);
    this.editor.over.redraw();
  }

  // Choosing

  choose(...told) {
    this.stopLooking();
    this.mark(this.form.going());
    fill(this.box, this.head(), told, this.earlier ?? null, this.form.element);
  }

  head() {
    const close = el(
      "button",
      { type: "button", class: "small", "data-test": "divide-leave", onclick: () => this.leave() },
      t("frame.close"),
    );
    return el("header", {}, el("h2", {}, t("planner.tool_divide")), close);
  }

  async ask(body, values) {
    this.values = values;
    try {
      const { data } = await call("POST", `${this.editor.store.path}/divide`, { body });
      await this.follow(data);
    } catch (problem) {
      if (problem.code === "job_open") await this.findEarlier();
      if (!this.following) this.choose(refusalBox(problem));
    }
  }

  // What was asked for earlier, here or elsewhere: what is under way for oneself is watched, else the latest is
  // offered, whoever of the planners asked for it.
  async findEarlier() {
    const { store } = this.editor;
    const mine = await this.read("/api/v1/jobs?kind=division");
    const under = mine.find((job) => OPEN.includes(job.state) && isOf(store.id, job));
    if (under && !this.following) return this.follow(under);
    const last = (await this.read(`${store.path}/divide`)).find((job) => isOf(store.id, job));
    if (!last || this.job || !this.open) return null;
    const area = this.areaName(last.asked.area);
    const words = t("divide.earlier", { area, time: clock(last.finished_at), by: last.by });
    this.earlier = el(
      "p",
      {},
      el(
        "button",
        { type: "button", class: "small", "data-test": "divide-earlier", onclick: () => this.reopen(last.id) },
        words,
      ),
    );
    return this.choose();
  }

  // The jobs of a list, asked for until they are there or the panel is left.
  async read(path) {
    const told = await untilThere(() => get(path), { wanted: () => this.open }).catch(() => null);
    return told?.jobs ?? [];
  }

  async reopen(id) {
    try {
      this.take(await get(`/api/v1/jobs/${id}`));
    } catch (problem) {
      this.choose(failureBox(problem, () => this.reopen(id)));
    }
  }

  // Watching

  async follow(job) {
    this.job = job;
    this.following = job.id;
    if (this.open) this.showProgress(job);
    try {
      const over = await watch(job.id, (seen) => {
        this.job = seen;
        if (this.open) this.showProgress(seen);
      });
      this.following = null;
      this.take(over);
    } catch (problem) {
      this.following = null;
      this.job = null;
      this.choose(failureBox(problem, () => this.follow(job)));
    }
  }

  showProgress(job) {
    const percent = Math.round(100 * job.progress);
    const words = `${job.message} · ${percent} %`;
    const bar = this.box.querySelector("progress");
    if (bar && OPEN.includes(job.state)) {
      bar.value = job.progress;
      this.box.querySelector("[data-test=divide-progress]").textContent = words;
      return;
    }
    this.mark(this.form.going());
    fill(
      this.box,
      this.head(),
      el("p", { role: "status", "data-test": "divide-progress" }, words),
      el("progress", { max: "1", value: job.progress, "aria-label": t("divide.under_way") }),
      el("p", { class: "quiet" }, t("divide.may_leave")),
      el(
        "div",
        { class: "actions" },
        el(
          "button",
          { type: "button", "data-test": "divide-cancel", onclick: () => this.cancel(job.id) },
          t("divide.cancel"),
        ),
      ),
    );
  }

  async cancel(id) {
    try {
      await call("DELETE", `/api/v1/jobs/${id}`);
    } catch (problem) {
      if (problem.code !== "job_is_over") this.editor.desk.say(problem.message, "bad");
    }
  }

  take(job) {
    this.job = job;
    if (job.state === "done") {
      if (this.open) this.compare();
      else this.editor.desk.say(t("divide.ready"), "good", [this.toProposals()]);
      return;
    }
    const cancelled = job.state === "cancelled";
    const words = cancelled ? t("divide.cancelled") : job.message;
    this.job = null;
    const told = el("p", { class: cancelled ? "message" : "message bad", role: "alert" }, words);
    if (this.open) this.choose(told);
    else if (!cancelled) this.editor.desk.say(words, "bad");
    if (job.problem?.where) this.editor.mark(job.problem.where, "bad");
  }

  toProposals() {
    const { rail } = this.editor;
    return el(
      "button",
      { type: "button", class: "small", onclick: () => rail.choose("divide") },
      t("divide.to_proposals"),
    );
  }

  // Comparing

  areaName(code) {
    const { plan, tiling } = { plan: this.editor.store.plan, tiling: this.editor.tiling };
    const named =
      plan.areas?.[code] ?? (code === plan.district ? plan.district_name : tiling.shapes.get(code)?.properties.name);
    return named && named !== code ? `${named} ${code}` : code;
  }

  compare() {
    this.stopLooking();
    const { id, result, asked } = this.job;
    const comments = new Comments(`${this.editor.store.path}/divide/${id}/comments`);
    this.showResult(t("divide.made", { n: result.proposals.length, area: this.areaName(asked.area) }));
    openComparison(result, {
      title: t("divide.compare_title", { area: this.areaName(asked.area) }),
      tolerance: asked.tolerance,
      act: {
        look: (profile) => this.look(profile),
        apply: (profile) => this.apply(profile),
        locate: (profile, remark) => this.look(profile, remark),
        ways: this.ways(),
        comments: (profile) => comments.section(profile),
      },
    });
    comments.load();
  }

  // What the panel says while proposals are there and none is looked at.
  showResult(words) {
    const again = el(
      "button",
      { type: "button", "data-test": "divide-again", onclick: () => this.anew() },
      t("divide.other"),
    );
    const compare = el(
      "button",
      { type: "button", class: "main", "data-test": "divide-to-compare", onclick: () => this.compare() },
      t("divide.to_compare"),
    );
    fill(
      this.box,
      this.head(),
      el("p", { "data-test": "divide-made" }, words),
      el("div", { class: "actions" }, compare, again),
    );
  }

  anew(changed = {}) {
    this.job = null;
    Object.assign(this.form.values, changed);
    this.choose();
  }

  // The ways out that the page itself can go; the others are told in words.
  ways() {
    const again = (changed) => {
      const { asked } = this.job;
      const body = bodyAgain(asked, changed);
      return this.ask(body, this.values);
    };
    return {
      cut_stairwells: () => again({ cut_stairwells: true }),
      longer: () => again({ seconds: Math.min(600, 2 * this.job.asked.seconds) }),
      other_target: () => this.anew(),
      accept: () => this.compare(),
      import_roads: () => location.assign("/imports"),
      import_households: () => location.assign("/imports"),
    };
  }

  look(profile, remark = null) {
    const { result } = this.job;
    const at = result.proposals.findIndex((one) => one.profile === profile);
    const proposal = result.proposals[at];
    const { common, own } = sortedRemarks(result.proposals);
    const features = [...proposal.grids.features, ...proposal.sub_grids.features];
    this.looked = profile;
    this.outlines = features.map((feature) => shapeOf(feature, "proposed"));
    const about = { households: result.households, estimated: isEstimated(common) };
    fill(
      this.box,
      this.head(),
      el("h3", {}, nameOf(profile)),
      el("p", { class: "quiet" }, t("divide.looking")),
      el(
        "div",
        { class: "actions" },
        el(
          "button",
          { type: "button", class: "main", "data-test": "divide-apply", onclick: () => this.apply(profile) },
          t("divide.apply"),
        ),
        el("button", { type: "button", "data-test": "divide-back", onclick: () => this.compare() }, t("divide.back")),
      ),
      figuresTable(rowsOf(result.proposals, result.today), at, about),
      el("ul", { class: "remarks" }, remarkRows(own[at], { look: (one) => this.locate(one), ways: this.ways() })),
    );
    if (remark) this.locate(remark);
    else show(boxOf(proposal.grids.features.map(({ geometry }) => geometry)), { animate: true, padding: [60, 60] });
    this.editor.over.redraw();
  }

  locate(remark) {
    this.editor.locate({ where: remark.where, severity: "warning" });
  }

  stopLooking() {
    this.looked = null;
    this.outlines = [];
    this.editor.mark(null);
  }

  async apply(profile) {
    const { id } = this.job;
    this.stopLooking();
    const answer = await this.editor.step(() => this.editor.store.divide(id, profile));
    if (!answer) {
      this.showResult(t("divide.not_applied"));
      return;
    }
    this.job = null;
    this.earlier = null;
    const back = el(
      "button",
      { type: "button", class: "small", "data-test": "divide-undo", onclick: () => this.takeBack() },
      t("planner.tool_undo"),
    );
    this.leave();
    this.editor.desk.say(t("divide.applied", { name: nameOf(profile) }), "good", [back]);
  }

  takeBack() {
    byId("toast").hidden = true;
    this.editor.step(() => this.editor.store.undo());
  }
}

// Whether a division is of this plan and was made to be looked at.
const isOf = (plan, { asked }) => String(asked.plan) === String(plan) && !asked.apply;

// The same request with something else in it; what the service added to it is left out.
function bodyAgain(asked, changed) {
  const names = ["area", "households", "tolerance", "level", "keep", "count", "sub_households", "profiles", "weights"];
  const more = ["least_change", "streets_only", "cut_stairwells", "empty_m2", "offices", "seed", "seconds"];
  const kept = Object.fromEntries([...names, ...more].map((name) => [name, asked[name]]));
  return { ...kept, ...changed };
}
