// Top bar and panel of the planner: whether it is saved, what may be done with the plan, figures, problems, changes.
import { untilThere } from "../again.js";
import { clock, config, number, t } from "../config.js";
import { byId, byQuery, byTest, el, fill } from "../dom.js";
import { draftFrom, QUESTIONS } from "../parts/plan_steps.js";
import { anything } from "../parts/repair_rule.js";
import { fixesOf, invalidOnes, isRepairable, PROPOSAL, smallOnes } from "./fixes.js";
import { counts, kindName, showChanges, showHouseholds, showProblems, verdictOf } from "./panel.js";
import { versionOf } from "../parts/plan_list.js";
import { showLeftOut, showOutdated } from "./leftout.js";
import { RepairDialog } from "./repair.js";

const REFUSED_FOR_MS = 12_000;
const CHANGES_AFTER_MS = 1500;
const ACTIONS = ["compare", "submit", "withdraw", "return", "publish"];

export class Desk {
  constructor(store, tiling, editor) {
    this.store = store;
    this.tiling = tiling;
    this.editor = editor;
    this.touched = new Set();
    this.forgetDecisions();
    this.savedAt = store.plan.updated_at ?? Date.now();
    this.buttons = Object.fromEntries(ACTIONS.map((name) => [name, byId(name)]));
    this.listen();
  }

  listen() {
    const { store, buttons } = this;
    store.addEventListener("saving", () => this.showState());
    store.addEventListener("saved", () => this.saved());
    store.addEventListener("refused", (event) => this.showState(event.detail));
    store.addEventListener("report", () => this.showReport());
    buttons.compare.addEventListener("click", () => this.compare());
    for (const name of ["submit", "withdraw", "return", "publish"])
      buttons[name].addEventListener("click", () => this.asked(name));
    byId("redraft").addEventListener("click", () => this.redraft());
    byId("confirm").addEventListener("click", () => this.editor.confirm());
    for (const tab of document.querySelectorAll(".tabs a"))
      tab.addEventListener("click", (event) => this.tab(event, tab));
  }

  tab(event, tab) {
    event.preventDefault();
    for (const other of document.querySelectorAll(".tabs a")) other.toggleAttribute("aria-current", other === tab);
    document.querySelector(tab.getAttribute("href")).scrollIntoView({ block: "start", behavior: "smooth" });
  }

  saved() {
    this.savedAt = Date.now();
    this.showState();
    byId("toast").hidden = true;
    this.changesLater();
  }

  // Comparing whole plans is work for the service: not while the next edit is in the hand and about to be sent.
  changesLater() {
    clearTimeout(this.later);
    this.later = setTimeout(
      () => (this.editor.tool?.moving ? this.changesLater() : this.refreshChanges()),
      CHANGES_AFTER_MS,
    );
  }

  showState(problem) {
    const box = byTest("planner-save-state");
    const state = problem ? "refused" : this.store.pending > 0 ? "saving" : "saved";
    box.className = `save ${state}`;
    box.textContent = t(`planner.${state}`, { time: clock(this.savedAt) });
    // A refusal has been put back already: once it was seen, the plan stands as saved.
    clearTimeout(this.forgetting);
    if (problem) this.forgetting = setTimeout(() => this.showState(), REFUSED_FOR_MS);
  }

  showPlan() {
    const { plan } = this.store;
    const chip = byId("plan-state");
    chip.className = `chip ${plan.state}`;
    chip.textContent = `${t(`plans.state_${plan.state}`)} · ${versionOf(plan)}`;
    byId("plan-place").textContent = plan.title || plan.district_name || plan.district;
    const own = config.person.role === "planner";
    this.buttons.submit.hidden = !(own && plan.state === "draft");
    this.buttons.withdraw.hidden = !(own && plan.state === "submitted");
    this.buttons.return.hidden = !(own && plan.state === "submitted");
    // Before the first publication of a district there is nothing to compare with.
    const alone = plan.state === "published" || !plan.based_on;
    this.buttons.compare.hidden = alone;
    byQuery('#layers input[name="published"]').closest("label").hidden = alone;
    this.showNext(own);
    this.buttons.publish.hidden = !["draft", "submitted"].includes(plan.state);
    const reason = byId("returned");
    reason.hidden = !(plan.returned_reason && plan.state === "draft");
    reason.textContent = plan.returned_reason ? t("planner.returned", { reason: plan.returned_reason }) : "";
    showOutdated(byId("outdated"), plan);
    this.editor.showHistory();
    byId("plan-link").href = `/plans/${plan.id}`;
    const difference = byId("diff-link");
    difference.href = `/plans/${plan.id}/diff`;
    difference.hidden = !plan.based_on;
    showLeftOut(byId("left-out"), this.store, this.editor);
    this.showPublish();
  }

  // A plan that is no draft any more is not edited: what can be done is to draw on from it, or to look at its page.
  showNext(own) {
    const { state, id } = this.store.plan;
    const drawn = state === "draft";
    byId("redraft").hidden = !(own && state === "published");
    const link = byId("to-plan");
    link.hidden = drawn || state === "submitted";
    link.href = `/plans/${id}`;
    byTest("planner-save-state").hidden = !drawn;
  }

  async redraft() {
    try {
      const id = await draftFrom(this.store.plan.district, "published");
      location.assign(`/planner?plan=${encodeURIComponent(id)}`);
    } catch (problem) {
      this.say(problem.message, "bad");
    }
  }

  // The publish button carries the reason why it cannot be pressed.
  showPublish() {
    const button = this.buttons.publish;
    const reason = this.obstacle();
    button.disabled = Boolean(reason);
    button.textContent = reason ? t("planner.publish_not", { reason }) : t("planner.publish");
    button.title = reason ?? "";
    this.buttons.submit.disabled = verdictOf(this.store)?.errors !== 0;
    this.showTotals();
  }

  obstacle() {
    const { plan } = this.store;
    const verdict = verdictOf(this.store);
    if (!verdict) return t("planner.checking");
    const { errors, kinds } = verdict;
    if (errors)
      return t("planner.still", {
        n: number(errors),
        kind: kinds.length === 1 ? kindName(kinds[0]) : t("planner.problem"),
      });
    if (config.person.role !== "planner") return t("planner.not_planner");
    if ((plan.editors ?? []).includes(config.person.name)) return t("planner.own_editor");
    if (plan.state === "draft") return t("planner.submit_first");
    return null;
  }

  showReport() {
    const { report } = this.store;
    const { errors, warnings } = verdictOf(this.store) ?? counts(report);
    const invalid = invalidOnes(report);
    showProblems(byTest("planner-defects"), report, {
      locate: (defect) => this.editor.locate(defect),
      fixes: (defect) => (this.editor.editing ? fixesOf(defect, { tiling: this.tiling, invalid }) : []),
      mend: (operation) => (operation === PROPOSAL ? this.propose(this.decided) : this.editor.mend(operation)),
      gridOf: (code) => this.tiling.shapes.get(code)?.properties,
    });
    this.editor.markErrors(report);
    const badge = byId("error-count");
    badge.textContent = number(errors);
    badge.hidden = !errors;
    byId("warning-count").textContent = warnings ? t("planner.warnings", { n: number(warnings) }) : "";
    const repair = byId("repair");
    repair.hidden = !(this.editor.editing && (report.defects ?? []).some(isRepairable));
    repair.onclick = () => this.propose(this.decided);
    this.showSmallOnes();
    this.showPublish();
  }

  // Noise is mended by one click, slivers after a look at what would change ([S6]).
  showSmallOnes() {
    const { noise, sliver } = smallOnes(this.store.report);
    /** @type {Record<string, [number, string, () => void]>} */
    const offers = {
      "mend-noise": [noise, "planner.mend_noise", () => this.editor.step(() => this.store.repair({ noise: "mend" }))],
      "mend-slivers": [sliver, "planner.mend_slivers", () => this.propose(this.smallDecided)],
    };
    for (const [id, [number_, words, act]] of Object.entries(offers)) {
      const button = byId(id);
      button.hidden = !(this.editor.editing && number_);
      button.textContent = t(words, { n: number(number_) });
      button.onclick = act;
    }
  }

  // What was decided in the dialogs of all defects and of the small ones, and the rule that is being put together.
  forgetDecisions() {
    this.decided = {};
    this.smallDecided = { sliver: "mend", noise: "mend" };
    this.rule = anything();
  }

  // A repair that was refused leaves its decisions to be changed.
  propose(choices) {
    return new RepairDialog(this.store, {
      choices,
      rule: this.rule,
      applied: async (chosen) => {
        if (await this.editor.step(() => this.store.repair(chosen))) this.forgetDecisions();
      },
      locate: (decision) => this.editor.locate(decision),
    });
  }

  showTotals() {
    const grids = this.tiling.ofLevel("grid").length;
    const parts = this.tiling.ofLevel("sub_grid").length;
    const verdict = verdictOf(this.store);
    const words = [t("planner.n_grids", { n: number(grids) }), t("planner.n_sub_grids", { n: number(parts) })];
    if (verdict)
      words.push(verdict.errors ? t("planner.n_problems", { n: number(verdict.errors) }) : t("planner.complete"));
    byId("totals").textContent = words.join(" · ");
  }

  showHouseholds() {
    showHouseholds(byTest("planner-households"), byId("households-lead"), {
      tiling: this.tiling,
      touched: this.touched,
      chosen: this.editor.selected?.[0],
      choose: (code) => this.editor.goTo(code),
    });
    byId("households-title").textContent = t(this.touched.size ? "planner.touched_title" : "planner.all_title");
  }

  touch(changed, answer) {
    for (const feature of changed) if (feature.properties.level === "grid") this.touched.add(feature.properties.code);
    for (const code of answer.removed ?? []) this.touched.delete(code);
    this.showHouseholds();
    this.showPlan();
    this.showReport();
  }

  async refreshChanges() {
    const box = byId("changes");
    if (this.store.plan.state === "published") return;
    if (!this.store.plan.based_on) {
      fill(box, el("p", { class: "quiet" }, t("planner.first_plan")));
      return;
    }
    const mine = {};
    this.comparing = mine;
    const failed = (problem) => fill(box, el("p", { class: "quiet" }, problem.message));
    try {
      const difference = await untilThere(() => this.store.difference(), {
        wanted: () => this.comparing === mine,
        failed,
      });
      if (!difference || this.comparing !== mine) return;
      const total = showChanges(box, difference);
      byId("change-count").textContent = total ? number(total) : "";
    } catch (problem) {
      failed(problem);
    }
  }

  compare() {
    const box = /** @type {HTMLInputElement} */ (document.querySelector('#layers input[name="published"]'));
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change"));
  }

  // A sentence over the map; `ways` are buttons that do something about it, and keep it there until one is pressed.
  say(message, kind = "", ways = []) {
    const toast = byId("toast");
    toast.className = `toast message ${kind}`;
    fill(
      toast,
      el("div", {}, message),
      ways,
      el("button", { type: "button", class: "small", onclick: () => (toast.hidden = true) }, t("frame.close")),
    );
    toast.hidden = false;
    clearTimeout(this.fading);
    if (!ways.length) this.fading = setTimeout(() => (toast.hidden = true), kind === "bad" ? REFUSED_FOR_MS : 6000);
  }

  // Steps of the plan's life

  async step(name, body) {
    try {
      await this.store.step(name, body);
      this.say(t(`planner.done_${name}`), "good");
      this.showState();
      this.editor.allow();
    } catch (problem) {
      this.refusedStep(problem);
    }
  }

  refusedStep(problem) {
    if (problem.where) this.editor.mark(problem.where, "bad");
    const ways =
      problem.code === "base_outdated"
        ? [
            el(
              "a",
              { class: "button small", href: `/plans/${this.store.id}/rebase`, "data-test": "to-rebase" },
              t("plan.rebase"),
            ),
          ]
        : [];
    this.say([problem.message, ...(problem.errors ?? []).map((error) => error.msg)].join(" "), "bad", ways);
    if (problem.status === 412) this.editor.reload(t("planner.outdated"));
  }

  // What a step needs to know is asked as on the page of the plan.
  async asked(name) {
    try {
      const body = await QUESTIONS[name](this.store.id, this.store.report);
      if (body) await this.step(name, body);
    } catch (problem) {
      this.refusedStep(problem);
    }
  }

  askName(tool = "carve") {
    return this.ask({
      title: t(`planner.tool_${tool}`),
      text: t(`planner.${tool}_text`),
      field: t("planner.grid_name"),
      optional: true,
    });
  }

  // A dialog with a title, a sentence, lines, and perhaps one field: resolves with true or the text, null when left.
  ask({ title, text, lines = [], field, optional }) {
    const input = field ? el("input", { name: "answer", required: !optional, maxlength: "200" }) : null;
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", {}, title),
      el("p", {}, text),
      lines.length
        ? el(
            "ul",
            {},
            lines.map((line) => el("li", {}, `· ${line}`)),
          )
        : null,
      input ? el("label", {}, el("span", {}, field), input) : null,
      el(
        "div",
        { class: "actions" },
        el("button", { class: "main", value: "yes" }, t("frame.confirm")),
        el("button", { value: "no", formnovalidate: true }, t("frame.cancel")),
      ),
    );
    const dialog = el("dialog", { "data-test": "dialog" }, form);
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes" ? (input ? input.value.trim() : true) : null);
      });
    });
  }
}
