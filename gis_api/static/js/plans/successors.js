// Who serves each new or changed grid from the day of the plan: proposals, which a planner changes in the draft.
import { call, get } from "../api.js";
import { config, number, t } from "../config.js";
import { byId, el, failureBox, fill, stacking } from "../dom.js";
import { ask } from "../parts/dialogs.js";
import { pathOf } from "../parts/plan_steps.js";

const ROLES = ["grid_worker", "grid_leader", "building_leader", "patrol_team", "service_team"];
const SHOWN = 60;

export async function showSuccessors(box, { plan, changed }) {
  try {
    const told = await get(`${pathOf(plan.id)}/successors`);
    draw(box, told, { plan, changed });
  } catch (problem) {
    const again = () => showSuccessors(box, { plan, changed });
    fill(box, failureBox(problem, again));
  }
}

function draw(box, told, { plan, changed }) {
  const may = plan.state === "draft" && config.person.role === "planner";
  const unserved = new Set(told.unserved);
  const lines = [...told.grids].sort(
    (a, b) => Number(unserved.has(b.grid)) - Number(unserved.has(a.grid)) || a.grid.localeCompare(b.grid),
  );
  const heads = ["grid", "change", "households", "from", "serving", "successors"];
  const table = el(
    "table",
    { "data-test": "successors" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((key) =>
          el(
            "th",
            { class: key === "households" ? "number" : "", scope: "col" },
            t(`plan.${key === "successors" ? "successors_column" : key}`),
          ),
        ),
        may ? el("th", {}) : null,
      ),
    ),
    el(
      "tbody",
      {},
      lines.slice(0, SHOWN).map((line) => row(line, { unserved, may, plan, changed })),
    ),
  );
  fill(
    box,
    told.unserved.length
      ? el(
          "p",
          { class: "message", "data-test": "unserved" },
          t(plan.state === "archived" ? "plan.n_unserved_then" : "plan.n_unserved", {
            n: number(told.unserved.length),
          }),
        )
      : null,
    lines.length ? el("div", { class: "scroll" }, stacking(table)) : el("p", { class: "empty" }, t("plan.no_changes")),
    lines.length > SHOWN
      ? el("p", { class: "quiet" }, t("plan.more_lines", { n: number(lines.length - SHOWN) }))
      : null,
    told.ending.length
      ? el(
          "p",
          { class: "quiet" },
          t("plan.ending", {
            grids: told.ending.map((one) => `${one.name || one.grid} ${names(one.posts)}`).join(t("planner.and")),
          }),
        )
      : null,
  );
}

const names = (posts) => posts.map((post) => post.name).join(t("planner.and"));

function row(line, { unserved, may, plan, changed }) {
  const who = line.successors.map((post) =>
    el("div", {}, `${post.name} `, el("span", { class: "quiet" }, `${post.worker} ${t(`roles_in_grid.${post.role}`)}`)),
  );
  const mark =
    line.source === "serving" ? null : el("span", { class: `chip ${line.source}` }, t(`plan.source_${line.source}`));
  const button = may
    ? el(
        "td",
        {},
        el(
          "button",
          {
            type: "button",
            class: "small",
            "data-test": "change-successor",
            "aria-label": t("plan.change_of", { grid: line.grid }),
            onclick: () => change(line, { plan, changed }),
          },
          t("plan.change_it"),
        ),
      )
    : null;
  return el(
    "tr",
    { "data-grid": line.grid },
    el("td", {}, line.name || line.grid, el("br"), el("span", { class: "quiet" }, line.grid)),
    el("td", {}, t(`plan.change_${line.change}`)),
    el("td", { class: "number" }, number(line.households)),
    el(
      "td",
      {},
      line.from
        .slice(0, 3)
        .map((one) => el("div", {}, t("plan.from_n", { grid: one.grid, n: number(one.households) }))),
    ),
    el("td", {}, names(line.serving) || "—"),
    el(
      "td",
      {},
      unserved.has(line.grid) && !who.length
        ? el("b", { class: "bad" }, t("plan.nobody"))
        : who.length
          ? who
          : t("plan.through_grid"),
      mark,
    ),
    button,
  );
}

async function change(line, { plan, changed }) {
  const list = el(
    "datalist",
    { id: "workers" },
    (await staff(plan.district))
      .filter((one) => one.active !== false)
      .map((one) => el("option", { value: one.number }, one.name)),
  );
  const rows = el("div", { class: "posts" });
  const add = (post = { worker: "", role: "grid_worker" }) => rows.append(postRow(post, rows));
  line.successors.forEach(add);
  if (!line.successors.length) add();
  const body = [
    el("p", {}, t("plan.change_text", { grid: line.name || line.grid })),
    rows,
    list,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "small", onclick: () => add() }, t("plan.add_post")),
      line.source === "decided"
        ? el(
            "label",
            { class: "tick" },
            el("input", { type: "checkbox", name: "proposal" }),
            el("span", {}, t("plan.back_to_proposal")),
          )
        : null,
    ),
  ];
  const posts = await ask({
    title: t("plan.successors"),
    body,
    answer: (form) => (form.querySelector("[name=proposal]")?.checked ? "proposal" : read(form)),
    test: "successor-dialog",
  });
  if (posts) await store(line, posts === "proposal" ? null : posts, { plan, changed });
}

// Everybody who works in a district, page by page.
async function staff(district) {
  const found = [];
  for (let next = `/api/v1/workers?area=${encodeURIComponent(district)}&limit=1000`; next;) {
    const answer = await get(next);
    found.push(...answer.workers);
    next = answer.next;
  }
  return found;
}

function postRow(post, rows) {
  const one = el(
    "div",
    { class: "post" },
    el("input", {
      list: "workers",
      value: post.worker,
      maxlength: "60",
      placeholder: t("plan.number"),
      "aria-label": t("plan.number"),
    }),
    el(
      "select",
      { "aria-label": t("plan.role") },
      ROLES.map((role) => el("option", { value: role, selected: role === post.role }, t(`roles_in_grid.${role}`))),
    ),
    el("button", { type: "button", class: "small", onclick: () => one.remove() }, t("plan.take_off")),
  );
  return rows && one;
}

const read = (form) =>
  [...form.querySelectorAll(".post")]
    .map((one) => ({ worker: one.querySelector("input").value.trim(), role: one.querySelector("select").value }))
    .filter((post) => post.worker);

async function store(line, posts, { plan, changed }) {
  const message = byId("message");
  try {
    await call("PUT", `${pathOf(plan.id)}/successors`, {
      body: { grids: [{ grid: line.grid, posts }] },
      version: plan.version,
    });
    message.hidden = true;
  } catch (problem) {
    message.className = "message bad";
    message.textContent = problem.message;
    message.hidden = false;
  }
  await changed();
}
