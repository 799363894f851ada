// Which grid holds a position, who is responsible, who is nearest.
import { get } from "../api.js";
import { config, t } from "../config.js";
import { el, failureBox, fill } from "../dom.js";
import { candidateTable, hereButton, located, positionFields, splitPaste } from "../parts/where.js";

export async function show(body) {
  const answer = el("div", { class: "answer", role: "status", "data-test": "located" });
  const form = el(
    "form",
    { class: "answer", "data-test": "locate-form" },
    el("div", { class: "fields" }, positionFields()),
    el("div", { class: "actions" }, el("button", { type: "submit", class: "main" }, t("locate.do"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look(answer, new URLSearchParams(/** @type {any} */ (new FormData(form))));
  });
  splitPaste(form);
  form.querySelector(".actions").append(hereButton(form) ?? "");
  fill(body, form, answer);
}

async function look(box, query) {
  try {
    const location = await get(`/api/v1/locate?${query}`);
    document.dispatchEvent(new CustomEvent("place-told", { detail: location }));
    const near = el("div");
    await nearest(near, query);
    fill(box, located(location), near);
  } catch (problem) {
    fill(box, el("p", { class: "message bad", role: "alert" }, problem.message));
  }
}

async function nearest(box, query) {
  if (!["dispatcher", "admin"].includes(config.person.role)) return;
  try {
    const found = await get(`/api/v1/workers/nearest?${query}&limit=5`);
    fill(box, el("h3", {}, t("locate.nearest")), candidateTable(found.candidates, found.rejected));
  } catch (problem) {
    fill(
      box,
      failureBox(problem, () => nearest(box, query)),
    );
  }
}
