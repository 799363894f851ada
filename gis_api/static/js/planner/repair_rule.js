// One answer for many decisions of a repair: of a kind, between two grids, of a class, up to a size. How many places it
// is about, and how much ground, is said before it is given.
import { measure, number, t } from "../config.js";
import { el } from "../dom.js";
import { kindName } from "./panel.js";
import { shortCode } from "../model/names.js";

// What is usually done about a place: the first of these that it offers.
const USUAL = ["cut_out", "trim", "longest_border", "allow", "mend"];
const MOST_PAIRS = 100;
const CLASSES = ["noise", "sliver", "real"];

export const anything = () => ({ kind: "", class: "", pair: "", most: "", option: "usual" });

// The option that a rule comes to for one decision; null where it has none.
export function answerOf(decision, option) {
  if (option === "usual") return USUAL.find((one) => decision.options.includes(one)) ?? null;
  return decision.options.includes(option) ? option : null;
}

// The decisions that a rule is about and can answer.
export function fitting(decisions, rule) {
  const most = Number(rule.most) || Infinity;
  return decisions.filter(
    (one) =>
      (!rule.kind || one.kind === rule.kind) &&
      (!rule.class || one.class === rule.class) &&
      (!rule.pair || pairOf(one) === rule.pair) &&
      one.area_m2 <= most &&
      answerOf(one, rule.option) !== null,
  );
}

export const pairOf = (decision) => (decision.codes.length === 2 ? decision.codes.join("+") : "");

// The form; `choose` is given the answers by the id of the decision, `wordsOf` says an option in words.
export function ruleForm(open, rule, { choose, wordsOf }) {
  const give = el("button", { type: "button", class: "small", "data-test": "repair-rule-apply" });
  const told = () => {
    const some = fitting(open, rule);
    const area = some.reduce((sum, one) => sum + one.area_m2, 0);
    give.disabled = !some.length;
    give.textContent = t("repair.rule_apply", { n: number(some.length), area: measure(area) });
  };
  const field = (name, options) => {
    const select = el(
      "select",
      { "aria-label": t(`repair.rule_${name}`), "data-test": `repair-rule-${name}` },
      options.map(([value, words]) => el("option", { value, selected: value === rule[name] }, words)),
    );
    select.addEventListener("change", () => {
      rule[name] = select.value;
      told();
    });
    return select;
  };
  const most = el("input", {
    type: "number",
    min: "0",
    step: "any",
    value: rule.most,
    placeholder: t("repair.rule_most"),
    "aria-label": t("repair.rule_most"),
    "data-test": "repair-rule-most",
  });
  most.addEventListener("input", () => {
    rule.most = most.value;
    told();
  });
  give.addEventListener("click", () =>
    choose(Object.fromEntries(fitting(open, rule).map((one) => [one.id, answerOf(one, rule.option)]))),
  );
  told();
  const every = [["", t("repair.rule_any")]];
  return el(
    "div",
    { class: "actions", "data-test": "repair-rule" },
    field("kind", [...every, ...unique(open.map(({ kind }) => kind)).map((kind) => [kind, kindName(kind)])]),
    field("class", [...every, ...CLASSES.map((name) => [name, t(`repair.class_${name}`)])]),
    field("pair", [...every, ...pairs(open)]),
    most,
    field("option", [["usual", t("repair.option_usual")], ...plain(open).map((option) => [option, wordsOf(option)])]),
    give,
  );
}

const unique = (values) => [...new Set(values)];

const plain = (open) => unique(open.flatMap(({ options }) => options).filter((option) => !option.includes(":")));

function pairs(open) {
  const count = new Map();
  for (const pair of open.map(pairOf).filter(Boolean)) count.set(pair, (count.get(pair) ?? 0) + 1);
  const most = [...count].sort((one, other) => other[1] - one[1]).slice(0, MOST_PAIRS);
  return most.map(([pair, n]) => [pair, `${pair.split("+").map(shortCode).join(t("planner.and"))} (${number(n)})`]);
}
