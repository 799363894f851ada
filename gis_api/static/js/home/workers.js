// The people of the area.
import { get } from "../api.js";
import { t } from "../config.js";
import { el, fill, stacking } from "../dom.js";

export async function show(body) {
  const { workers } = await get("/api/v1/workers?limit=20");
  if (!workers.length) {
    fill(body, el("p", { class: "empty" }, t("workers.none")));
    return;
  }
  const head = ["number", "name", "role", "grid"].map((key) => el("th", {}, t(`workers.${key}`)));
  const rows = workers.map((worker) =>
    el(
      "tr",
      {},
      el("td", {}, worker.number),
      el("td", {}, worker.name),
      el("td", {}, t(`roles_in_grid.${worker.role}`)),
      el("td", {}, worker.grids.join(" ")),
    ),
  );
  fill(
    body,
    stacking(el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))),
    el("p", { class: "quiet" }, t("workers.shown", { n: workers.length })),
  );
}
