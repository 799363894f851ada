// A proposal to mend a draft: what it would change, what a person must decide, and only then one edit that does it.
import { measure, number, t, has } from "../config.js";
import { el, fill, skeleton } from "../dom.js";
import { kindName } from "./panel.js";
import { communityName, communityNames, shortCode } from "../model/names.js";
import { anything, isOpen, ruleForm } from "../parts/repair_rule.js";

const MOST_DECISIONS = 60;
const MOST_CHANGES = 40;
// Who goes through a list of decisions is not interrupted after each: the proposal follows when the hand rests.
const REST_MS = 600;
// Choices about all places of a class, which edits cannot leave without their option.
const OF_ALL = new Set(["noise", "sliver"]);

export class RepairDialog {
  // `choices` (id -> option) and `rule` are the caller's: what was decided, and the rule that was being put together,
  // are still there when the dialog is opened again after a look at the map.
  constructor(store, { applied, locate, choices = {}, rule = anything() }) {
    this.store = store;
    this.tell = { applied, locate };
    this.choices = choices;
    this.rule = rule;
    this.asked = 0;
    this.body = el("div", { class: "answer" });
    this.apply = el(
      "button",
      { type: "button", class: "main", "data-test": "repair-apply", onclick: () => this.done() },
      t("repair.apply"),
    );
    this.dialog = el(
      "dialog",
      { class: "repair", "data-test": "repair" },
      el(
        "form",
        { method: "dialog" },
        el("h2", {}, t("repair.title")),
        this.body,
        el("div", { class: "actions" }, this.apply, el("button", { value: "no" }, t("frame.cancel"))),
      ),
    );
    this.dialog.addEventListener("close", () => this.left());
    document.body.append(this.dialog);
    this.dialog.showModal();
    fill(this.body, skeleton(4));
    this.propose();
  }

  left() {
    clearTimeout(this.resting);
    this.dialog.remove();
  }

  choose(chosen) {
    Object.assign(this.choices, chosen);
    this.wait();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.propose(), REST_MS);
  }

  // What is shown is older than the choices: it stays to be chosen from, and is not applied.
  wait() {
    this.asked += 1;
    this.apply.disabled = true;
    this.body.setAttribute("aria-busy", "true");
  }

  async propose() {
    this.wait();
    const { asked } = this;
    try {
      const proposal = await this.proposal();
      if (asked !== this.asked) return;
      this.show(proposal);
      this.apply.disabled = false;
    } catch (problem) {
      if (asked === this.asked) fill(this.body, el("p", { class: "message bad", role: "alert" }, problem.message));
    }
    if (asked === this.asked) this.body.removeAttribute("aria-busy");
  }

  // Edits may have left a choice without its option: then every decision is asked anew.
  async proposal() {
    try {
      return await this.store.proposal(this.choices);
    } catch (problem) {
      if (problem.code !== "unknown_option") throw problem;
      for (const id of Object.keys(this.choices)) if (!OF_ALL.has(id)) delete this.choices[id];
      return this.store.proposal(this.choices);
    }
  }

  show({ differences, decisions, left }) {
    const remaining = Object.entries(left)
      .map(([kind, n]) => `${kindName(kind)} ${number(n)}`)
      .join(t("planner.and"));
    const open = decisions.filter(isOpen);
    const held = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.decision;
    const { scrollTop } = this.dialog;
    fill(
      this.body,
      changesOf(differences),
      decisions.length
        ? el(
            "h3",
            { "data-test": "repair-open", "data-open": open.length },
            t("repair.decide", { n: number(open.length) }),
          )
        : null,
      this.ofOneKind(open),
      ruleForm(decisions, this.rule, {
        choose: (answers) => this.chooseEach(answers),
        wordsOf,
        kindOf: kindName,
      }),
      el(
        "ul",
        { class: "decisions" },
        firstOf(decisions).map((decision) => this.row(decision)),
      ),
      decisions.length > MOST_DECISIONS
        ? el("p", { class: "quiet" }, t("planner.more_problems", { n: number(decisions.length - MOST_DECISIONS) }))
        : null,
      el(
        "p",
        { class: "quiet", "data-test": "repair-left" },
        remaining ? t("repair.left", { kinds: remaining }) : t("repair.clean"),
      ),
    );
    this.dialog.scrollTop = scrollTop;
    if (held) this.body.querySelector(`select[data-decision="${CSS.escape(held)}"]`)?.focus();
  }

  // Beside the single choices one button for all open decisions of a kind that have an option without a grid's name.
  ofOneKind(open) {
    const buttons = [...new Set(open.map(({ kind }) => kind))]
      .flatMap((kind) => {
        const some = open.filter((decision) => decision.kind === kind);
        const plain = new Set(some.flatMap(({ options }) => options).filter((option) => !option.includes(":")));
        return [...plain].map((option) =>
          this.allButton(
            kind,
            option,
            some.filter(({ options }) => options.includes(option)),
          ),
        );
      })
      .filter(Boolean);
    return buttons.length ? el("div", { class: "actions" }, buttons) : null;
  }

  allButton(kind, option, some) {
    if (some.length < 2) return null;
    const words = t("repair.all_of", { kind: kindName(kind), n: number(some.length), option: wordsOf(option) });
    return el(
      "button",
      {
        type: "button",
        class: "small",
        "data-test": `repair-all-${kind}-${option}`,
        onclick: () => this.chooseAll(some, option),
      },
      words,
    );
  }

  chooseAll(decisions, option) {
    this.chooseEach(Object.fromEntries(decisions.map(({ id }) => [id, option])));
  }

  chooseEach(answers) {
    this.choose(answers);
    for (const [id, option] of Object.entries(answers)) {
      const select = this.body.querySelector(`select[data-decision="${CSS.escape(id)}"]`);
      if (select) select.value = option;
    }
  }

  row(decision) {
    const options = [...new Set(["leave", ...decision.options, decision.chosen])];
    const select = el(
      "select",
      { "aria-label": t("repair.choice"), "data-decision": decision.id },
      options.map((option) => el("option", { value: option, selected: option === decision.chosen }, wordsOf(option))),
    );
    select.addEventListener("change", () => this.choose({ [decision.id]: select.value }));
    const words = [
      kindName(decision.kind),
      `${measure(decision.area_m2)} m²`,
      decision.codes.map(shortCode).join(t("planner.and")),
      ...communityNames(decision.codes),
    ]
      .filter(Boolean)
      .join(" · ");
    return el(
      "li",
      {},
      el("span", {}, words),
      select,
      el("button", { type: "button", class: "small", onclick: () => this.look(decision) }, t("planner.locate")),
    );
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

// What the proposal would do to each grid, the most changed first; opened by who wants to know.
function changesOf(differences) {
  if (!differences.length) return el("p", {}, t("repair.nothing"));
  const size = ({ gained_m2, lost_m2 }) => gained_m2 + lost_m2;
  const sorted = [...differences].sort((one, other) => size(other) - size(one));
  const moved = Math.max(...differences.map((one) => one.moved_m));
  const area = Math.max(...differences.map((one) => Math.max(one.gained_m2, one.lost_m2)));
  const more = sorted.length - MOST_CHANGES;
  return el(
    "details",
    { "data-test": "repair-changes" },
    el("summary", {}, t("repair.changes", { n: number(sorted.length), moved: measure(moved), area: measure(area) })),
    el(
      "ul",
      { class: "changes" },
      sorted.slice(0, MOST_CHANGES).map((one) => el("li", {}, wordsOfChange(one))),
      more > 0 ? el("li", { class: "quiet" }, `+${number(more)}`) : null,
    ),
  );
}

function wordsOfChange({ code, moved_m, gained_m2, lost_m2 }) {
  const figures = { moved: measure(moved_m), gained: measure(gained_m2), lost: measure(lost_m2) };
  return [shortCode(code), communityName(code), t("repair.change", figures)].filter(Boolean).join(" · ");
}

// Where there are more than can be looked through, those come first that nobody decided.
function firstOf(decisions) {
  if (decisions.length <= MOST_DECISIONS) return decisions;
  return [...decisions.filter(isOpen), ...decisions.filter((one) => !isOpen(one))].slice(0, MOST_DECISIONS);
}

function wordsOf(option) {
  const [name, code] = option.split(/:(.*)/);
  return has(`repair.option_${name}`) ? t(`repair.option_${name}`, { grid: shortCode(code ?? "") }) : option;
}
