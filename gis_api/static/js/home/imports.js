// Bringing a file in: progress in figures, then counts read, stored and refused, with the reasons.
import { call, get } from "../api.js";
import { number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { DATUMS, field, select } from "./where.js";

const LAYERS = ["grids", "areas", "buildings", "households", "compounds", "roads", "water", "hazards", "incidents", "workers"];
const ASK_MS = 700;

export async function show(body) {
  const answer = el("div", { class: "answer", role: "status", "data-test": "imported" });
  const form = el("form", { class: "answer", "data-test": "import-form" },
    el("p", { class: "quiet" }, t("imports.lead")),
    el("div", { class: "fields" },
      field(t("imports.file"), el("input", { type: "file", name: "file", required: true }), true),
      field(t("imports.layer"), select("layer", LAYERS.map((name) => [name, t(`imports.layer_${name}`)]), "grids")),
      field(t("imports.datum"), select("datum", [["", t("imports.datum_of_file")], ...DATUMS.map((datum) => [datum, datum.toUpperCase()])], "")),
      field(t("imports.district"), el("input", { name: "district", maxlength: "12", autocomplete: "off" })),
      el("label", { class: "tick" }, el("input", { type: "checkbox", name: "dry_run", value: "true" }), el("span", {}, t("imports.dry")))),
    el("div", { class: "actions" }, el("button", { type: "submit", class: "main" }, t("imports.do"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, answer);
  });
  fill(body, form, answer);
}

async function send(form, box) {
  const button = form.querySelector("button");
  button.disabled = true;
  fill(box, el("p", { class: "message" }, t("imports.sending")));
  try {
    const fields = new FormData(form);
    for (const name of ["datum", "district"]) if (!fields.get(name)) fields.delete(name);
    const { data } = await call("POST", "/api/v1/imports", { body: fields });
    await follow(data, box);
  } catch (problem) {
    fill(box, el("p", { class: "message bad", role: "alert" }, problem.message));
  }
  button.disabled = false;
}

async function follow(job, box) {
  const id = job.id ?? job.job;
  for (let now = job; ; now = await get(`/api/v1/jobs/${encodeURIComponent(id)}`)) {
    if (["done", "succeeded", "finished"].includes(now.state)) return done(now.result ?? {}, box);
    if (["failed", "aborted", "cancelled"].includes(now.state)) throw new Error(t("imports.failed", { message: now.message ?? "" }));
    fill(box, el("p", { class: "message" }, t("imports.running", { percent: Math.round((now.progress ?? 0) * 100), message: now.message ?? "" })));
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}

function done(result, box) {
  const refused = Array.isArray(result.refused) ? result.refused : [];
  const count = Array.isArray(result.refused) ? refused.length : result.refused ?? 0;
  fill(box, el("p", { class: "message good" }, t("imports.done", { read: number(result.read ?? 0), stored: number(result.stored ?? 0), refused: number(count) })),
    el("ul", {}, refused.slice(0, 20).map((row) => el("li", { class: "quiet" }, `${row.row ?? row.index ?? ""} ${row.reason ?? ""}`))));
}
