// A proposal to mend a draft: what it would change, what a person must decide, and only then one edit that does it.
import { measure, number, t, has } from "../config.js";
import { el, fill, skeleton } from "../dom.js";
import { kindOf } from "./panel.js";
import { shortCode } from "./tiling.js";

const MOST_DECISIONS = 60;

export class RepairDialog {
  constructor(store, { applied, locate, choices = {} }) {
    this.store = store;
    this.tell = { applied, locate };
    this.choices = { ...choices };
    this.body = el("div", { class: "answer" });
    this.apply = el("button", { type: "button", class: "main", "data-test": "repair-apply", onclick: () => this.done() }, t("repair.apply"));
    this.dialog = el("dialog", { class: "repair", "data-test": "repair" }, el("form", { method: "dialog" },
      el("h2", {}, t("repair.title")), this.body,
      el("div", { class: "actions" }, this.apply, el("button", { value: "no" }, t("frame.cancel")))));
    this.dialog.addEventListener("close", () => this.dialog.remove());
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.propose();
  }

  async propose() {
    fill(this.body, skeleton(4));
    this.apply.disabled = true;
    try {
      this.show(await this.store.proposal(this.choices));
      this.apply.disabled = false;
    } catch (problem) {
      fill(this.body, el("p", { class: "message bad", role: "alert" }, problem.message));
    }
  }

  show({ differences, decisions, left }) {
    const moved = Math.max(0, ...differences.map((one) => one.moved_m));
    const area = Math.max(0, ...differences.map((one) => Math.max(one.gained_m2, one.lost_m2)));
    const remaining = Object.entries(left).map(([kind, n]) => `${kindOf({ kind })} ${number(n)}`).join(t("planner.and"));
    fill(this.body,
      el("p", {}, differences.length ? t("repair.changes", { n: number(differences.length), moved: measure(moved), area: measure(area) }) : t("repair.nothing")),
      decisions.length ? el("h3", {}, t("repair.decide", { n: number(decisions.length) })) : null,
      el("ul", { class: "decisions" }, decisions.slice(0, MOST_DECISIONS).map((decision) => this.row(decision))),
      el("p", { class: "quiet" }, remaining ? t("repair.left", { kinds: remaining }) : t("repair.clean")));
  }

  row(decision) {
    const options = [...new Set(["leave", ...decision.options, decision.chosen])];
    const select = el("select", { "aria-label": t("repair.choice") }, options.map((option) =>
      el("option", { value: option, selected: option === decision.chosen }, wordsOf(option))));
    select.addEventListener("change", () => {
      this.choices[decision.id] = select.value;
      this.propose();
    });
    const words = [kindOf(decision), `${measure(decision.area_m2)} m²`, decision.codes.map(shortCode).join(t("planner.and"))].join(" · ");
    return el("li", {}, el("span", {}, words), select,
      el("button", { type: "button", class: "small", onclick: () => this.look(decision) }, t("planner.locate")));
  }

  look(decision) {
    this.dialog.close("no");
    this.tell.locate(decision);
  }

  done() {
    this.dialog.close("yes");
    this.tell.applied(this.choices);
  }
}

function wordsOf(option) {
  const [name, code] = option.split(/:(.*)/);
  return has(`repair.option_${name}`) ? t(`repair.option_${name}`, { grid: shortCode(code ?? "") }) : option;
}
