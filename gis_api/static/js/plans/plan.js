// One plan: what it is, its life so far, what may be done with it now, who takes which grid over.
import { get } from "../api.js";
import { config, number, t, when } from "../config.js";
import { againButton, byId, byQuery, el, fill } from "../dom.js";
import { versionOf } from "../parts/plan_list.js";
import { showHandover } from "./handover.js";
import { draftFrom, pathOf, QUESTIONS, stateOf, stepsFor, take } from "../parts/plan_steps.js";
import { showSuccessors } from "./successors.js";

const path = pathOf(config.plan);
/** @type {Record<string, any>} what the service told of it */
let plan;

async function open() {
  plan = await get(path);
  draw();
  await Promise.all([
    showSuccessors(byId("successors"), { plan, changed: open }),
    plan.based_on ? showHandover(byId("handover"), plan) : null,
  ]);
  byId("part-handover").hidden = !plan.based_on;
}

function draw() {
  const kind = stateOf(plan);
  const name = plan.title || t("plans.of_district", { district: plan.district_name || plan.district });
  document.title = name;
  byId("plan-name").textContent = name;
  byId("plan-state").className = `chip ${kind}`;
  byId("plan-state").textContent = `${t(`plans.state_${kind}`)} · ${versionOf(plan)}`;
  fill(
    byId("notices"),
    plan.returned_reason && plan.state === "draft"
      ? notice("plan-returned", t("planner.returned", { reason: plan.returned_reason }))
      : null,
    plan.outdated
      ? notice(
          "plan-outdated",
          t(plan.state === "draft" ? "plan.base_outdated" : "plan.base_outdated_submitted", {
            n: plan.outdated.plan_version,
          }),
          plan.state === "draft"
            ? el("a", { class: "button small main", href: `/plans/${plan.id}/rebase` }, t("plan.rebase"))
            : null,
        )
      : null,
    plan.to_redo ? notice("plan-to-redo", t("plan.to_redo", { n: number(Object.keys(plan.to_redo).length) })) : null,
  );
  fill(byId("figures"), figures());
  fill(
    byId("life"),
    life().map(([step, who, at, more]) =>
      el(
        "li",
        {},
        el("b", {}, step),
        el("span", {}, who ?? "—"),
        el("span", { class: "quiet" }, at ? when(at) : ""),
        more ? el("p", { class: "quiet" }, more) : null,
      ),
    ),
  );
  fill(byId("actions"), actions(Boolean(plan.outdated)));
  fill(byId("ways"), ways());
}

const notice = (test, words, way = null) =>
  el("div", { class: "message", "data-test": test }, el("div", {}, words), way);

function figures() {
  const { summary } = plan;
  if (!summary) return el("p", { class: "quiet" }, t("plan.not_checked"));
  const told = [
    ["grids", summary.grids],
    ["sub_grids", summary.sub_grids],
    ["households", summary.households],
    ["errors", summary.errors],
    ["warnings", summary.warnings],
  ];
  return told.map(([key, value]) => el("div", {}, el("b", {}, number(value)), el("span", {}, t(`plan.n_${key}`))));
}

const TURNS = {
  rebase: "plan.rebased",
  submit: "plan.submitted",
  withdraw: "plan.withdrawn",
  return: "plan.returned",
  publish: "plan.published",
  archive: "plan.archived",
};

function life() {
  const steps = [[t("plan.created"), plan.created_by, plan.created_at]];
  if (plan.editors.length)
    steps.push([
      t("plan.edited"),
      plan.editors.join(t("planner.and")),
      plan.state === "draft" ? plan.updated_at : null,
    ]);
  for (const { action, by: who, at, reason, acknowledged } of plan.life)
    steps.push([t(TURNS[action]), who, at, reason ?? known(acknowledged)]);
  if (plan.effective_at) steps.push([t("plan.effective"), "", plan.effective_at]);
  if (plan.ends_at) steps.push([t("plan.ended"), "", plan.ends_at]);
  return steps;
}

const known = (kinds) =>
  kinds?.length
    ? t("plan.acknowledged", { kinds: kinds.map((kind) => t(`defects.${kind}`)).join(t("planner.and")) })
    : null;

function actions(old) {
  return stepsFor(plan, config.person).map((step) => {
    const main = step === "submit" || step === "publish";
    const blocked = step === "publish" && old;
    return el(
      "button",
      {
        type: "button",
        class: main ? "main" : "",
        disabled: blocked,
        "data-test": `plan-${step}`,
        onclick: () => run(step),
      },
      t(`plan.${step}`),
    );
  });
}

async function run(step) {
  const message = byId("message");
  message.hidden = true;
  try {
    const body = await QUESTIONS[step](plan.id);
    if (!body) return;
    await take(plan.id, step, body, plan.version);
    await open();
    say(t(step === "archive" ? "plan.done_archive" : `planner.done_${step}`), "good");
  } catch (problem) {
    say([problem.message, ...(problem.errors ?? []).map((error) => error.msg)].join(" "), "bad");
    if (problem.status === 412) await open();
  }
}

function say(words, kind) {
  byId("message").className = `message ${kind}`;
  byId("message").textContent = words;
  byId("message").hidden = false;
}

function ways() {
  const links = [[`/planner?plan=${plan.id}`, t(plan.state === "draft" ? "plan.edit" : "plan.look")]];
  if (plan.based_on) links.push([`/plans/${plan.id}/diff?against=${plan.based_on}`, t("plan.compare")]);
  links.push([`/plans/${plan.id}/replay`, t("plan.replay")]);
  if (plan.certificate) links.push([`/plans/${plan.id}/certificate`, t("plan.certificate")]);
  const made = links.map(([href, words]) => el("a", { class: "button", href }, words));
  if (config.person.role === "planner" && plan.state !== "draft") {
    const words = t(plan.state === "archived" ? "plan.restore" : "plan.draft_from");
    made.push(el("button", { type: "button", "data-test": "plan-restore", onclick: restore }, words));
  }
  return made;
}

async function restore() {
  try {
    const title = plan.state === "archived" ? t("plan.restored_title", { version: versionOf(plan) }) : "";
    location.assign(`/plans/${await draftFrom(plan.district, plan.id, title)}`);
  } catch (problem) {
    say(problem.message, "bad");
  }
}

try {
  await open();
} catch (problem) {
  console.error(problem);
  say(problem.message, "bad");
  fill(
    byId("message"),
    el("div", {}, problem.message),
    againButton(problem, () => location.reload()),
  );
  byQuery(".parts").hidden = true;
}
byId("main").dataset.test = "ready";
