// Reporting from the street: where the phone is, what it is, a sentence, photos. Kept where there is no line.
import { config, t } from "../config.js";
import { el, fill, refusalBox } from "../dom.js";
import { getOrKept } from "../parts/kept_answers.js";
import { Kept, post, postPhoto } from "../parts/outbox.js";
import { newKey } from "../parts/queue.js";
import { currentFix } from "../parts/steps.js";
import { field, select } from "../parts/where.js";
import { onServer } from "../server_clock.js";
import { shotsOf } from "./shots.js";

export async function showReport(body, stored) {
  const { data } = await getOrKept("/api/v1/categories");
  const open = data.categories.filter(({ kind, retired }) => kind !== "hazard" && retired == null);
  const categories = open.map(({ code, name }) => [code, name]);
  const said = el("div", { role: "status", "data-test": "reported" });
  const shots = shotsOf(currentFix);
  const form = el(
    "form",
    { class: "answer", "data-test": "report-form" },
    field(t("report.category"), select("category", categories, "other")),
    field(t("report.description"), el("textarea", { name: "description", rows: "3", maxlength: "2000" })),
    shots.element,
    placeFields(),
    el("button", { type: "submit", class: "main" }, t("phone.report")),
  );
  let key = newKey();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button.main");
    button.disabled = true;
    const done = await send(form, shots, said, key);
    button.disabled = false;
    if (!done) return;
    key = newKey();
    form.reset();
    shots.clear();
    stored();
  });
  fill(body, form, said);
}

// Typed by hand only where the device does not know.
function placeFields() {
  const coordinate = (name) =>
    field(t(`report.${name}`), el("input", { name, inputmode: "decimal", autocomplete: "off" }));
  return el(
    "details",
    { "data-test": "by-hand" },
    el("summary", {}, t("phone.place_by_hand")),
    el("div", { class: "answer" }, coordinate("lon"), coordinate("lat")),
  );
}

async function placeOf(form) {
  const { lon, lat } = form.elements;
  if (lon.value.trim() && lat.value.trim())
    return { lon: Number(lon.value), lat: Number(lat.value), accuracy_m: undefined };
  const fix = await currentFix();
  if (fix) return { lon: fix.lon, lat: fix.lat, accuracy_m: Math.min(fix.accuracy_m, 100_000) };
  form.querySelector("details").open = true;
  throw new Error(t("phone.no_fix"));
}

// Whether it is stored or kept: then the form is free for the next one.
async function send(form, shots, said, key) {
  try {
    fill(said, el("p", {}, t("phone.sending")));
    const place = await placeOf(form);
    const { category, description } = Object.fromEntries(new FormData(form));
    const about = { category, description, channel: "patrol", occurred_at: onServer() };
    const body = { ...place, datum: "wgs84", ...about };
    await sendWhole(body, key, shots.photos, said);
    return true;
  } catch (problem) {
    fill(said, refusalBox(problem));
    return false;
  }
}

async function sendWhole(body, key, photos, said) {
  let told;
  try {
    const data = await post("/api/v1/incidents", body, { headers: { "Idempotency-Key": key } });
    told = { path: `/api/v1/incidents/${encodeURIComponent(data.id)}/photos` };
    fill(said, el("p", { class: "message good" }, storedWords(data)));
  } catch (problem) {
    if (!(problem instanceof Kept) || !problem.key) throw problem;
    told = { of: problem.key };
    fill(said, el("p", { class: "message", "data-test": "kept" }, problem.message));
  }
  // The report is out of the hand now: what becomes of a photo is told by the line of what is kept.
  for (const { canvas: _, ...photo } of photos)
    await postPhoto({ ...told, photo }).catch((problem) => {
      if (!(problem instanceof Kept)) fill(said, refusalBox(problem));
    });
}

function storedWords({ id, assignment, waiting_text: waiting }) {
  const mine = assignment?.worker === config.worker;
  const who = mine ? t("phone.is_yours") : (assignment?.name ?? waiting ?? "");
  return [t("report.done", { id }), who].filter(Boolean).join(" · ");
}
