// The people of the area.
import { get } from "../api.js";
import { t, has } from "../config.js";
import { el, fill } from "../dom.js";

export async function show(body) {
  const answer = await get("/api/v1/workers?limit=20");
  const workers = answer.workers ?? answer.items ?? answer.results ?? answer;
  if (!workers.length) {
    fill(body, el("p", { class: "empty" }, t("workers.none")));
    return;
  }
  const head = ["number", "name", "role", "grid"].map((key) => el("th", {}, t(`workers.${key}`)));
  const rows = workers.map((worker) => el("tr", {}, el("td", {}, worker.number ?? worker.worker ?? worker.id), el("td", {}, worker.name ?? ""),
    el("td", {}, has(`roles_in_grid.${worker.role}`) ? t(`roles_in_grid.${worker.role}`) : worker.role ?? ""), el("td", {}, worker.grid ?? worker.code ?? "")));
  fill(body, el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))), el("p", { class: "quiet" }, t("workers.shown", { n: workers.length })));
}
