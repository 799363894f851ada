// Repairs of the new draft, accepted one by one or all of a kind; each is an edit that the planner can take back.
import { call } from "../api.js";
import { measure, number, t, has } from "../config.js";
import { againButton, el, fill, skeleton } from "../dom.js";
import { anything, isOpen, ruleForm } from "../parts/repair_rule.js";
import { locate } from "./stage.js";

const MOST_SHOWN = 60;
const kindOf = (kind) => (has(`defects.${kind}`) ? t(`defects.${kind}`) : kind);

export class Repairs {
  constructor(box) {
    this.box = box;
  }

  async show(plan) {
    this.path = `/api/v1/plans/${plan}`;
    this.rule = anything();
    this.box.hidden = false;
    fill(this.box, el("h2", {}, t("imports.step_repair")), skeleton(3));
    await this.propose();
  }

  async propose(said) {
    try {
      const { data } = await call("POST", `${this.path}/repair`, { body: { options: {} } });
      this.draw(data, said);
    } catch (problem) {
      fill(
        this.box,
        el("h2", {}, t("imports.step_repair")),
        el(
          "p",
          { class: "message bad", role: "alert" },
          problem.message,
          problem.where ? this.look(problem.where) : null,
        ),
        el(
          "div",
          { class: "actions" },
          againButton(problem, () => this.propose(), {}),
        ),
      );
    }
  }

  draw({ version, decisions, differences, mended, left }, said) {
    this.version = version;
    const small = Object.entries(mended)
      .map(([kind, n]) => `${has(`defects.class_${kind}`) ? t(`defects.class_${kind}`) : kindOf(kind)} ${number(n)}`)
      .join(" · ");
    const remaining = Object.entries(left)
      .map(([kind, n]) => `${kindOf(kind)} ${number(n)}`)
      .join(" · ");
    const open = decisions.filter(isOpen);
    const more = open.length - MOST_SHOWN;
    fill(
      this.box,
      el("h2", {}, t("imports.step_repair")),
      said ? el("p", { class: "message", role: "status" }, said) : null,
      differences.length
        ? el(
            "div",
            { class: "answer" },
            el(
              "p",
              {},
              t("imports.silent", {
                n: number(differences.length),
                kinds: small || "—",
                moved: measure(Math.max(...differences.map((one) => one.moved_m))),
              }),
            ),
            el(
              "div",
              { class: "actions" },
              el(
                "button",
                { type: "button", "data-test": "imports-mend", onclick: () => this.apply({}) },
                t("imports.mend"),
              ),
            ),
          )
        : null,
      open.length ? this.byKind(open) : null,
      ruleForm(open, this.rule, { choose: (answers) => this.apply(answers), wordsOf, kindOf }),
      el(
        "ul",
        { class: "decisions" },
        open.slice(0, MOST_SHOWN).map((one) => this.row(one)),
      ),
      more > 0 ? el("p", { class: "quiet" }, t("repair.more", { n: number(more) })) : null,
      el(
        "p",
        { class: "quiet", "data-test": "imports-left" },
        !differences.length && !open.length && !remaining
          ? t("imports.nothing_left")
          : remaining
            ? t("imports.left", { kinds: remaining })
            : "",
      ),
    );
  }

  // All decisions of one kind at once, where all of them offer the same.
  byKind(open) {
    const kinds = [...new Set(open.map((one) => one.kind))];
    return el(
      "div",
      { class: "actions" },
      kinds.flatMap((kind) => {
        const of = open.filter((one) => one.kind === kind);
        const common = of[0].options.filter(
          (option) => !option.includes(":") && of.every((one) => one.options.includes(option)),
        );
        return common.map((option) =>
          el(
            "button",
            {
              type: "button",
              class: "small",
              "data-test": `imports-all-${kind}-${option}`,
              onclick: () => this.apply({ [kind]: option }),
            },
            t("imports.all_of", { kind: kindOf(kind), n: number(of.length), option: wordsOf(option) }),
          ),
        );
      }),
    );
  }

  row(one) {
    const select = el(
      "select",
      { "aria-label": t("repair.choice") },
      one.options.map((option) => el("option", { value: option }, wordsOf(option))),
    );
    const words = [kindOf(one.kind), `${measure(one.area_m2)} m²`, one.codes.join(t("imports.and"))].join(" · ");
    return el(
      "li",
      { "data-test": "imports-decision" },
      el("span", {}, words),
      this.look(one.where),
      select,
      el(
        "button",
        { type: "button", class: "small", onclick: () => this.apply({ [one.id]: select.value }) },
        t("imports.accept"),
      ),
    );
  }

  look(where) {
    return el("button", { type: "button", class: "small", onclick: () => locate(where) }, t("imports.locate"));
  }

  async apply(options) {
    this.box.setAttribute("aria-busy", "true");
    for (const control of this.box.querySelectorAll("button, select")) control.disabled = true;
    try {
      await call("POST", `${this.path}/repair?apply=true`, { body: { options }, version: this.version });
      await this.propose(t("imports.applied"));
    } catch (problem) {
      await this.propose(problem.message);
    }
    this.box.removeAttribute("aria-busy");
  }
}

function wordsOf(option) {
  const [name, code] = option.split(/:(.*)/);
  return has(`repair.option_${name}`) ? t(`repair.option_${name}`, { grid: code ?? "" }) : option;
}
