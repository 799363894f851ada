// The photos of an incident, and adding one from a phone or a desk.
import { mended } from "../again.js";
import { call } from "../api.js";
import { config, t, when } from "../config.js";
import { el, fill } from "../dom.js";

const KINDS = ["near", "far", "before", "after", "other"];
const SENDERS = ["dispatcher", "worker", "unit", "admin"];

// The photos and, for whoever may, the button; `changed` is called after one was stored.
export function photosOf(incident, changed) {
  const shown = incident.photos.map(({ url, thumbnail, kind, by, at }) => {
    const words = t("photos.photo", { kind: t(`photos.${kind}`), by, at: when(at) });
    return el(
      "a",
      { href: url, target: "_blank", rel: "noopener" },
      mended(el("img", { src: thumbnail, alt: words, loading: "lazy" })),
      el("span", {}, t(`photos.${kind}`)),
    );
  });
  return [
    shown.length
      ? el("div", { class: "photos", "data-test": "photos" }, shown)
      : el("p", { class: "quiet" }, t("photos.none")),
    SENDERS.includes(config.person.role) ? adding(incident.id, changed) : null,
  ];
}

// A form that sends what was chosen as soon as it is chosen.
export function adding(id, changed) {
  const said = el("p", { role: "status", "data-test": "photo-said" });
  const kind = el(
    "select",
    { "aria-label": t("photos.kind") },
    KINDS.map((name) => el("option", { value: name, selected: name === "other" }, t(`photos.${name}`))),
  );
  const file = el("input", {
    type: "file",
    accept: "image/jpeg,image/png,image/webp",
    class: "unseen",
    "aria-label": t("photos.add"),
    "data-test": "photo-file",
  });
  const button = el("button", { type: "button", class: "small", onclick: () => file.click() }, t("photos.add"));
  file.addEventListener("change", async () => {
    button.disabled = true;
    said.className = "quiet";
    fill(said, t("photos.sending"));
    try {
      for (const one of file.files) await send(id, one, kind.value);
      fill(said);
      await changed();
    } catch (problem) {
      said.className = "message bad";
      fill(said, problem.message);
    } finally {
      button.disabled = false;
      file.value = "";
    }
  });
  return el("div", { class: "actions unprinted" }, button, kind, file, said);
}

async function send(id, file, kind) {
  const body = new FormData();
  body.append("file", file);
  body.append("kind", kind);
  return (await call("POST", `/api/v1/incidents/${encodeURIComponent(id)}/photos`, { body })).data;
}
