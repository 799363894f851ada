// Photos on the phone: made smaller before they are kept, with their moment and place beside them.
import { t } from "../config.js";
import { el, fill } from "../dom.js";
import { postPhoto } from "../parts/outbox.js";
import { onServer } from "../server_clock.js";

// What the service keeps, too: more would only cost time on a bad line.
const SIDE_PIXELS = 2048;
const QUALITY = 0.85;
const MOST = 6;
const SHOWN_PIXELS = 96;
// From here on a photo shows what was done.
const DONE = ["handled", "verified", "fed_back", "closed"];

/**
 * The button and the row of photos of a form; `fix` gives where the phone is, or null.
 * @param {() => Promise<{lon: number, lat: number} | null>} fix
 */
export function shotsOf(fix) {
  const photos = [];
  const row = el("div", { class: "shots", "data-test": "shots" });
  const said = el("p", { role: "status", class: "bad" });
  const take = el("button", { type: "button", onclick: () => input.click(), "data-test": "shot" }, t("phone.photo"));
  const paint = () => {
    fill(
      row,
      photos.map((photo) => shown(photo, () => paintWithout(photo))),
    );
    take.disabled = photos.length >= MOST;
  };
  const paintWithout = (photo) => {
    photos.splice(photos.indexOf(photo), 1);
    paint();
  };
  const chosenNow = async () => {
    fill(said);
    const [chosen, place] = [[...input.files], await fix()];
    for (const file of chosen.slice(0, MOST - photos.length)) {
      const photo = await photoOf(file, place, "other");
      if (photo) photos.push(photo);
      else fill(said, t("phone.no_photo", { name: file.name }));
    }
    input.value = "";
    paint();
  };
  const input = pickerOf("shot-file", chosenNow, { multiple: true });
  const clear = () => {
    photos.length = 0;
    paint();
  };
  return { photos, clear, element: el("div", { class: "answer" }, take, input, row, said) };
}

// The button of a case: a photo goes out, or is kept, as soon as it is taken.
export function shotOf({ id, state }, fix) {
  const said = el("p", { role: "status", "data-test": "task-shot-said" });
  const input = pickerOf("task-shot", async () => {
    const [[file], place] = [[...input.files], await fix()];
    const photo = file ? await photoOf(file, place, DONE.includes(state) ? "after" : "before") : null;
    input.value = "";
    if (file) fill(said, photo ? await sentWords(id, photo) : t("phone.no_photo", { name: file.name }));
  });
  const take = el("button", { type: "button", class: "small", onclick: () => input.click() }, t("phone.photo"));
  return el("div", { class: "answer" }, take, input, said);
}

async function sentWords(id, { canvas: _, ...photo }) {
  try {
    await postPhoto({ path: `/api/v1/incidents/${encodeURIComponent(id)}/photos`, photo });
    return t("phone.photo_sent");
  } catch (problem) {
    return problem.message;
  }
}

function pickerOf(test, chosen, more = {}) {
  const about = { type: "file", accept: "image/*", capture: "environment", class: "unseen", tabindex: "-1" };
  const named = { "aria-label": t("photos.add"), "data-test": test };
  return el("input", { ...about, ...named, ...more, onchange: chosen });
}

// A photo with its moment and place beside it; null for what is no picture.
async function photoOf(file, place, kind) {
  const made = await smaller(file).catch(() => null);
  return made && { ...made, kind, lon: place?.lon, lat: place?.lat, taken_at: takenAt(file) };
}

// A picture just taken says when in its file's date; one of the gallery may be old.
const takenAt = (file) => onServer(Math.min(file.lastModified || Date.now(), Date.now()));

function shown({ canvas }, drop) {
  const remove = el("button", { type: "button", class: "small", onclick: drop }, t("phone.drop_photo"));
  return el("figure", {}, canvas, remove);
}

// {file, canvas}: a JPEG of at most so many pixels a side, and a small picture of it. Rejects what is no picture.
async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  const blob = await new Promise((resolve) => drawn(bitmap, SIDE_PIXELS).toBlob(resolve, "image/jpeg", QUALITY));
  const canvas = drawn(bitmap, SHOWN_PIXELS);
  bitmap.close();
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", file.name);
  if (!blob) throw new Error("no picture");
  return { file: blob, canvas };
}

function drawn(bitmap, side) {
  const share = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * share));
  canvas.height = Math.max(1, Math.round(bitmap.height * share));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
