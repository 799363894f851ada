// What was done, newest first, and whether the chain of it holds.
import { get } from "../api.js";
import { t, when } from "../config.js";
import { el, fill } from "../dom.js";

const ROWS = 30;

export async function show(body) {
  const { entries } = await get("/api/v1/history");
  if (!entries.length) {
    fill(body, el("p", { class: "empty" }, t("history.none")));
    return;
  }
  const head = ["at", "by", "what", "subject"].map((key) => el("th", {}, t(`history.${key}`)));
  const rows = entries.slice(0, ROWS).map((entry) => el("tr", {},
    el("td", {}, when(entry.at)), el("td", {}, entry.actor), el("td", {}, entry.action), el("td", {}, entry.subject)));
  fill(body, el("div", { class: "scroll" }, el("table", { "data-test": "history" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))));
}
