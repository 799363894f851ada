// All plans of the reader's area: their state, who made them, what they stand on; two of them compared; new drafts.
import { untilThere } from "../again.js";
import { get } from "../api.js";
import { config, number, t, when } from "../config.js";
import { failureBox, byId, el, fill, skeleton, stacking } from "../dom.js";
import { versionOf } from "../parts/plan_list.js";
import { draftFrom, stateOf } from "../parts/plan_steps.js";

const main = byId("main");
const box = byId("list");
const chosen = new Set();
let plans = [];
let next = null;
let state = "";

async function load(path) {
  const answer = await get(path);
  plans = [...plans, ...answer.plans];
  next = answer.next;
}

async function show(wanted = state) {
  state = wanted;
  plans = [];
  fill(box, skeleton(6));
  try {
    await load(`/api/v1/plans?limit=50${state ? `&state=${state}` : ""}`);
    draw();
  } catch (problem) {
    fill(
      box,
      failureBox(problem, () => show()),
    );
  }
}

function draw() {
  const heads = ["choose", "plan", "state", "base", "grids", "author", "editors", "updated"];
  const table = el(
    "table",
    { "data-test": "plans" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((key) => el("th", { class: key === "grids" ? "number" : "", scope: "col" }, t(`plans.${key}`))),
      ),
    ),
    el("tbody", {}, plans.map(row)),
  );
  fill(
    box,
    plans.length
      ? el("div", { class: "scroll" }, stacking(table))
      : el("p", { class: "empty" }, t(state ? "plans.none_in_state" : "plans.none")),
    next ? el("button", { type: "button", onclick: more }, t("plans.more")) : null,
  );
  compareButton();
}

async function more(event) {
  event.target.disabled = true;
  await load(next);
  draw();
}

const nameOf = (plan) => plan.title || t("plans.of_district", { district: plan.district_name || plan.district });

function baseOf(plan) {
  if (!plan.based_on) return t("plans.base_none");
  const base = plans.find((other) => other.id === plan.based_on);
  return el(
    "a",
    { href: `/plans/${plan.based_on}` },
    base ? versionOf(base) : t("plans.base_number", { n: plan.based_on }),
  );
}

function row(plan) {
  const tick = el("input", {
    type: "checkbox",
    value: plan.id,
    checked: chosen.has(plan.id),
    "aria-label": t("plans.choose_plan", { plan: nameOf(plan), version: versionOf(plan) }),
  });
  tick.addEventListener("change", () => {
    if (tick.checked) chosen.add(plan.id);
    else chosen.delete(plan.id);
    // Two at a time: the one that was ticked first gives way.
    if (chosen.size > 2) {
      const [first] = chosen;
      chosen.delete(first);
      box.querySelector(`input[value="${first}"]`).checked = false;
    }
    compareButton();
  });
  const kind = stateOf(plan);
  return el(
    "tr",
    { "data-plan": plan.id },
    el("td", {}, tick),
    el(
      "td",
      {},
      el("a", { href: `/plans/${plan.id}` }, nameOf(plan)),
      el("br"),
      el("span", { class: "quiet" }, versionOf(plan)),
    ),
    el(
      "td",
      {},
      el("span", { class: `chip ${kind}` }, t(`plans.state_${kind}`)),
      plan.returned_reason && plan.state === "draft" ? el("p", { class: "quiet" }, t("plans.was_returned")) : null,
    ),
    el("td", {}, baseOf(plan)),
    el("td", { class: "number" }, number(plan.grids)),
    el("td", {}, plan.created_by),
    el("td", {}, plan.editors.join(t("planner.and")) || "—"),
    el("td", {}, when(plan.published_at ?? plan.updated_at)),
  );
}

function compareButton() {
  const button = byId("compare");
  const [a, b] = [...chosen].map((id) => plans.find((plan) => plan.id === id)).filter(Boolean);
  button.disabled = !(a && b && a.district === b.district);
  button.title = button.disabled ? t("plans.compare_two") : "";
  if (button.disabled) return;
  const [older, newer] = Number(a.id) < Number(b.id) ? [a, b] : [b, a];
  button.onclick = () => location.assign(`/plans/${newer.id}/diff?against=${older.id}`);
}

// New drafts: from the plan in force of one district, or from a file.
async function offers() {
  const place = byId("new");
  const { plans: published } = await get("/api/v1/plans?state=published&limit=1000");
  const districts = [...new Map(published.map((plan) => [plan.district, plan.district_name || plan.district]))];
  if (!districts.length) return;
  const choice = el(
    "select",
    { "aria-label": t("plans.district") },
    districts.map(([code, name]) => el("option", { value: code }, name === code ? code : `${name} ${code}`)),
  );
  const message = byId("message");
  const button = el("button", { type: "button", class: "main", "data-test": "new-draft" }, t("plans.new_draft"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      location.assign(`/planner?plan=${await draftFrom(choice.value, "published")}`);
    } catch (problem) {
      message.textContent = problem.message;
      message.hidden = false;
      button.disabled = false;
    }
  });
  place.prepend(...[districts.length > 1 ? choice : null, button].filter(Boolean));
}

for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('input[name="state"]')))
  radio.addEventListener("change", () => show(radio.value));
if (config.person.role === "planner") untilThere(offers).catch(() => null);
await show();
main.dataset.test = "ready";
