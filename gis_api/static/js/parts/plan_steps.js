// The steps of a plan's life, each with its dialog; the planner and the page of a plan take the same ones.
import { call, get } from "../api.js";
import { t } from "../config.js";
import { askPlainly, askPublication, askReason, askSubmission } from "./dialogs.js";

export const pathOf = (id) => `/api/v1/plans/${encodeURIComponent(id)}`;

// What a step sends, after asking: null where somebody thought better of it.
export const QUESTIONS = {
  async submit(id, report) {
    const [known, { unserved, grids }] = await Promise.all([
      report ?? get(`${pathOf(id)}/coverage`),
      get(`${pathOf(id)}/successors`),
    ]);
    const touched = new Set(
      grids.filter((line) => line.change !== "kept" || line.source === "decided").map((line) => line.grid),
    );
    const acknowledged = await askSubmission({ report: known, unserved: unserved.filter((code) => touched.has(code)) });
    return acknowledged && { acknowledged };
  },
  async withdraw() {
    return {};
  },
  async return() {
    const reason = await askReason();
    return reason && { reason };
  },
  publish: askPublication,
  async archive() {
    return (await askPlainly(t("plan.archive"), t("plan.archive_text"))) && {};
  },
};

export async function take(id, step, body, version) {
  return (await call("POST", `${pathOf(id)}/${step}`, { body, version })).data;
}

// A draft made from a plan; resolves with its number.
export async function draftFrom(district, basedOn, title = "") {
  const { data } = await call("POST", "/api/v1/plans", { body: { district, based_on: basedOn, title } });
  return data.id;
}

// What somebody may do with a plan as it is now.
export function stepsFor(plan, person) {
  const planner = person.role === "planner";
  const edited = plan.editors.includes(person.name);
  const author = edited || plan.created_by === person.name;
  const steps = [];
  if (plan.state === "draft") {
    if (planner) steps.push("submit");
    if (author || person.role === "admin") steps.push("archive");
  }
  if (plan.state === "submitted") {
    if (edited || plan.submitted_by === person.name) steps.push("withdraw");
    if (!edited) steps.push("return", "publish");
  }
  return steps;
}

// Where a published plan's time has not come yet it is scheduled.
export const stateOf = (plan) =>
  plan.state === "published" && new Date(plan.effective_at) > new Date() ? "scheduled" : plan.state;
