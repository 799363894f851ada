// Imports: send a file, say what it is, see what came of it; every step is a job that can be left and found again.
import { call, get, getFeatures } from "../api.js";
import { config, number, t, when } from "../config.js";
import { failureBox, byId, el, fill } from "../dom.js";
import { Asking } from "./asking.js";
import { Repairs } from "./repairs.js";
import { showReport } from "./report.js";
import { watch } from "../parts/jobs.js";
import { send } from "./sending.js";
import { locate, showDistrict, showFile } from "./stage.js";

const districts = new Map();
const asking = new Asking(byId("asking"), { again: (said) => inspectAgain(said), start: (form) => importNow(form) });
const repairs = new Repairs(byId("repairs"));
let current = null;

async function start() {
  await Promise.all([listMine(), listDistricts()]);
  byId("file").addEventListener("change", () => byId("file").files[0] && upload(byId("file").files[0]));
  byId("district").addEventListener("change", () => districtChosen());
  listenForDrops();
  byId("main").dataset.test = "ready";
  const job = new URLSearchParams(location.search).get("job");
  if (job) await follow(job);
}

async function listDistricts() {
  const areas = await getFeatures("/api/v1/areas?limit=1000").catch((problem) => {
    fail(problem);
    return [];
  });
  for (const area of areas) if (area.properties.level === "district") districts.set(area.properties.code, area);
  fill(
    byId("district"),
    [...districts].map(([code, area]) => el("option", { value: code }, `${area.properties.name} ${code}`)),
    config.person.role === "admin" ? el("option", { value: "" }, t("imports.no_district")) : null,
  );
  showDistrict(districts.get(byId("district").value));
  if (!districts.size) document.querySelector(".veil")?.remove();
}

function districtChosen() {
  showDistrict(districts.get(byId("district").value));
  if (current) inspectAgain({});
}

function listenForDrops() {
  const drop = byId("drop");
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
  });
}

async function upload(file) {
  clear();
  if (file.size > config.most_bytes)
    return fail(new Error(t("imports.too_large", { megabytes: number(config.most_bytes / 1e6) })));
  const form = new FormData();
  if (byId("district").value) form.append("district", byId("district").value);
  form.append("file", file);
  await attempt(async () => {
    progress(t("imports.sending", { percent: 0 }), 0);
    return send("/api/v1/uploads", form, (share) =>
      progress(t("imports.sending", { percent: Math.round(100 * share) }), share),
    );
  });
  byId("file").value = "";
}

function inspectAgain(said) {
  const known = Object.entries({ ...said, district: byId("district").value }).filter(
    ([name, value]) => value && !["layer", "below"].includes(name),
  );
  return attempt(
    async () =>
      (await call("POST", `/api/v1/uploads/${current}/inspections`, { body: Object.fromEntries(known) })).data,
  );
}

function importNow(form) {
  return attempt(async () => (await call("POST", "/api/v1/imports", { body: form })).data);
}

// Begin a job and follow it; what refuses it is told in its place.
async function attempt(begin) {
  try {
    const job = await begin();
    history.replaceState(null, "", `?job=${encodeURIComponent(job.id)}`);
    await follow(job.id);
  } catch (problem) {
    fail(problem);
  }
}

async function follow(id) {
  try {
    const job = await watch(id, (seen) =>
      progress(`${seen.message} · ${Math.round(100 * seen.progress)} %`, seen.progress, seen),
    );
    listMine();
    show(job);
  } catch (problem) {
    fail(problem);
  }
}

function show(job) {
  current = job.upload ?? current;
  byId("progress").hidden = true;
  if (job.district && byId("district").value !== job.district && districts.has(job.district)) {
    byId("district").value = job.district;
    showDistrict(districts.get(job.district));
  }
  if (job.state !== "done")
    return fail(Object.assign(new Error(job.message), { where: job.problem?.where }), job.state === "cancelled");
  if (job.kind === "inspection") return inspected(job);
  showReport(byId("report"), job);
  const [plan] = Object.values(job.result.plans);
  if (plan) repairs.show(plan);
}

function inspected(job) {
  byId("report").hidden = true;
  byId("repairs").hidden = true;
  asking.show(job);
  const { preview, count } = job.result;
  if (preview) showFile(preview.features, districts.get(byId("district").value));
  byId("legend").hidden = !preview;
  byId("legend").textContent = preview
    ? t("imports.legend", { shown: number(preview.features.length), n: number(count) })
    : "";
}

function progress(words, share, job) {
  const bar = el("progress", { max: 1, value: share, "aria-label": words });
  const stop =
    job && ["queued", "running"].includes(job.state)
      ? el(
          "button",
          {
            type: "button",
            class: "small",
            "data-test": "imports-cancel",
            onclick: () => call("DELETE", `/api/v1/jobs/${job.id}`).catch(() => null),
          },
          t("imports.cancel"),
        )
      : null;
  fill(byId("progress"), el("p", {}, words), bar, stop, el("p", { class: "quiet" }, t("imports.leave")));
  byId("progress").hidden = false;
}

function fail(problem, quiet = false) {
  fill(
    byId("progress"),
    el(
      "p",
      { class: `message ${quiet ? "" : "bad"}`, role: "alert", "data-test": "imports-failed" },
      el("div", {}, problem.message),
      problem.where
        ? el("button", { type: "button", class: "small", onclick: () => locate(problem.where) }, t("imports.locate"))
        : null,
    ),
  );
  for (const one of problem.errors ?? [])
    byId("progress").append(el("p", { class: "quiet" }, `${one.loc.join(".")}: ${one.msg}`));
  byId("progress").hidden = false;
}

function clear() {
  for (const id of ["progress", "asking", "report", "repairs", "legend"]) byId(id).hidden = true;
}

async function listMine() {
  try {
    const { jobs } = await get("/api/v1/jobs?kind=import&kind=inspection");
    fill(
      byId("mine"),
      jobs.length ? el("ul", {}, jobs.slice(0, 12).map(row)) : el("p", { class: "empty" }, t("imports.none")),
    );
  } catch (problem) {
    fill(
      byId("mine"),
      failureBox(problem, () => listMine()),
    );
  }
}

function row(job) {
  const words = [job.file, t(`imports.kind_${job.kind}`), job.message, when(job.created_at)]
    .filter(Boolean)
    .join(" · ");
  return el("li", {}, el("a", { href: `?job=${encodeURIComponent(job.id)}`, "data-job": job.id }, words));
}

document.addEventListener("connection-back", () => listMine());
start().catch(fail);
