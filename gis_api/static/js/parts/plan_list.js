// The list of plans, and a new draft from the published one: on the planner's home and where no plan was named.
import { call, get } from "../api.js";
import { config, number, t, when } from "../config.js";
import { failureBox, el, fill, skeleton, stacking } from "../dom.js";

const ORDER = ["draft", "submitted", "published", "archived"];
const listOf = (answer) => answer.plans ?? answer.items ?? answer.results ?? (Array.isArray(answer) ? answer : []);

export async function showPlans(box) {
  fill(box, skeleton(5));
  let plans;
  try {
    plans = listOf(await get("/api/v1/plans?limit=100"));
  } catch (problem) {
    fill(
      box,
      failureBox(problem, () => showPlans(box)),
    );
    return [];
  }
  const may = config.person.role === "planner";
  const sorted = plans.sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      String(b.updated_at ?? "").localeCompare(String(a.updated_at ?? "")),
  );
  fill(
    box,
    sorted.length
      ? el("div", { class: "scroll" }, stacking(table(sorted)))
      : el("p", { class: "empty" }, t("plans.none")),
    may ? newDraft(sorted) : null,
  );
  return sorted;
}

function table(plans) {
  const head = ["plan", "state", "grids", "updated"].map((key) =>
    el("th", { class: key === "grids" ? "number" : "" }, t(`plans.${key}`)),
  );
  return el(
    "table",
    { "data-test": "plans" },
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, plans.slice(0, 20).map(row)),
  );
}

function row(plan) {
  const name = plan.title || t("plans.of_district", { district: plan.district_name || plan.district });
  return el(
    "tr",
    {},
    el(
      "td",
      {},
      el("a", { href: `/planner?plan=${encodeURIComponent(plan.id)}`, "data-plan": plan.id }, name),
      el("br"),
      el("span", { class: "quiet" }, versionOf(plan)),
    ),
    el("td", {}, el("span", { class: `chip ${plan.state}` }, t(`plans.state_${plan.state}`))),
    el("td", { class: "number" }, number(plan.grids ?? plan.counts?.grids)),
    el(
      "td",
      {},
      when(plan.updated_at ?? plan.created_at),
      el("br"),
      el("span", { class: "quiet" }, plan.created_by ?? ""),
    ),
  );
}

export function versionOf(plan) {
  return plan.plan_version
    ? t("plans.plan_version", { n: plan.plan_version })
    : t("plans.version", { n: plan.version });
}

function newDraft(plans) {
  const districts = [...new Map(plans.map((plan) => [plan.district, plan.district_name || plan.district])).entries()];
  if (!districts.length) return null;
  const choice = el(
    "select",
    { "aria-label": t("plans.district") },
    districts.map(([code, name]) => el("option", { value: code }, code === name ? code : `${name} ${code}`)),
  );
  const message = el("p", { class: "message bad", role: "alert", hidden: true });
  const button = el("button", { type: "button", class: "main", "data-test": "new-draft" }, t("plans.new_draft"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { data } = await call("POST", "/api/v1/plans", { body: { district: choice.value, based_on: "published" } });
      location.assign(`/planner?plan=${encodeURIComponent(data.id)}`);
    } catch (problem) {
      message.textContent = problem.message;
      message.hidden = false;
      button.disabled = false;
    }
  });
  const all = el("a", { class: "button", href: "/plans" }, t("plans.all_plans"));
  return el(
    "div",
    { class: "answer" },
    el("div", { class: "actions" }, districts.length > 1 ? el("div", {}, choice) : null, button, all),
    message,
  );
}
