// One answer for many decisions of a repair: of a kind, between two grids, of a class, up to a size. How many places it
// is about, and how much ground, is said before it is given.
import { measure, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { shortCode } from "../model/names.js";

// So many are sooner decided one by one than by a rule that has to be put together.
const FEW = 20;
// What is usually done about a place: the first of these that it offers.
const USUAL = ["cut_out", "trim", "longest_border", "allow", "mend"];
const LEAVE = "leave";
const MOST_PAIRS = 100;
const CLASSES = ["noise", "sliver", "real"];

export const anything = () => ({ kind: "", class: "", pair: "", most: "", option: "usual" });

// Nobody has decided yet.
export const isOpen = ({ chosen = LEAVE }) => chosen === LEAVE;

// The option that a rule comes to for one decision; null where it has none.
export function answerOf(decision, option) {
  if (option === LEAVE) return LEAVE;
  if (option === "usual") return USUAL.find((one) => decision.options.includes(one)) ?? null;
  return decision.options.includes(option) ? option : null;
}

// The decisions that a rule is about and can answer: the open ones, and to leave them those that were answered.
export function fitting(decisions, rule) {
  const most = Number(rule.most) || Infinity;
  return decisions.filter(
    (one) =>
      isOpen(one) === (rule.option !== LEAVE) &&
      (!rule.kind || one.kind === rule.kind) &&
      (!rule.class || one.class === rule.class) &&
      (!rule.pair || pairOf(one) === rule.pair) &&
      one.area_m2 <= most &&
      answerOf(one, rule.option) !== null,
  );
}

export const pairOf = (decision) => (decision.codes.length === 2 ? decision.codes.join("+") : "");

// What a rule may answer: all that names no grid, and between two grids each of the two.
export function optionsOf(decisions, rule) {
  const about = rule.pair ? decisions.filter((one) => pairOf(one) === rule.pair) : decisions;
  const told = unique(about.flatMap(({ options }) => options));
  return ["usual", ...told.filter((option) => rule.pair || !option.includes(":")), LEAVE];
}

// The form, null where so few are open that no rule is needed; `choose` is given the answers by the id of the decision,
// `wordsOf` and `kindOf` say an option and a kind in words.
export function ruleForm(decisions, rule, { choose, wordsOf, kindOf }) {
  if (decisions.length <= FEW) return null;
  const give = el("button", { type: "button", class: "small", "data-test": "repair-rule-apply" });
  const answers = selectOf("option", () => told());
  const told = () => {
    const some = fitting(decisions, rule);
    const area = some.reduce((sum, one) => sum + one.area_m2, 0);
    give.disabled = !some.length;
    give.textContent = t("repair.rule_apply", { n: number(some.length), area: measure(area) });
  };
  const offered = () => {
    const options = optionsOf(decisions, rule);
    if (!options.includes(rule.option)) rule.option = "usual";
    answers.offer(options.map((option) => [option, wordsOf(option)]));
    told();
  };
  give.addEventListener("click", () =>
    choose(Object.fromEntries(fitting(decisions, rule).map((one) => [one.id, answerOf(one, rule.option)]))),
  );
  const form = el(
    "fieldset",
    { class: "rule", "data-test": "repair-rule" },
    el("legend", {}, t("repair.rule_title")),
    selectOf("kind", told).offer(unique(decisions.map(({ kind }) => kind)).map((kind) => [kind, kindOf(kind)])).label,
    selectOf("class", told).offer(CLASSES.map((name) => [name, t(`repair.class_${name}`)])).label,
    selectOf("pair", offered).offer(pairs(decisions)).label,
    mostField(rule, told),
    answers.label,
    give,
  );
  offered();
  return form;

  // A select with its label; one that narrows the rule begins with "any".
  function selectOf(name, changed) {
    const select = el("select", { "data-test": `repair-rule-${name}` });
    select.addEventListener("change", () => {
      rule[name] = select.value;
      changed();
    });
    const made = {
      label: el("label", {}, el("span", {}, t(`repair.rule_${name}`)), select),
      offer(options) {
        const all = name === "option" ? options : [["", t("repair.rule_any")], ...options];
        fill(select, ...all.map(([value, words]) => el("option", { value, selected: value === rule[name] }, words)));
        return made;
      },
    };
    return made;
  }
}

function mostField(rule, told) {
  const most = el("input", {
    type: "number",
    min: "0",
    step: "any",
    value: rule.most,
    "data-test": "repair-rule-most",
  });
  most.addEventListener("input", () => {
    rule.most = most.value;
    told();
  });
  return el("label", {}, el("span", {}, t("repair.rule_most")), most);
}

const unique = (values) => [...new Set(values)];

function pairs(decisions) {
  const count = new Map();
  for (const pair of decisions.map(pairOf).filter(Boolean)) count.set(pair, (count.get(pair) ?? 0) + 1);
  const most = [...count].sort((one, other) => other[1] - one[1]).slice(0, MOST_PAIRS);
  return most.map(([pair, n]) => [pair, `${pair.split("+").map(shortCode).join(t("repair.and"))} (${number(n)})`]);
}
