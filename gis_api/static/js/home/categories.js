// The categories of incidents and hazards: seen, added, retired with a reason, taken up again.
import { call, get } from "../api.js";
import { config, t } from "../config.js";
import { el, fill, stacking } from "../dom.js";
import { ask } from "../parts/dialogs.js";
import { field } from "../parts/where.js";
import { acting } from "./acting.js";

const PATH = "/api/v1/categories";
const pathOf = ({ code }) => `${PATH}/${encodeURIComponent(code)}`;

export async function show(body) {
  const list = el("div", { class: "scroll", "data-test": "categories" });
  const said = el("div", { role: "status", "data-test": "category-said" });
  async function refresh() {
    const { categories } = await get(PATH);
    fill(list, categories.length ? table(categories, change) : el("p", { class: "empty" }, t("categories.empty")));
  }
  const act = acting(said, refresh);
  async function change(one) {
    if (one.retired != null) await act("PATCH", pathOf(one), { retired: null });
    else if (await askReason(one)) await refresh();
  }
  await refresh();
  fill(body, list, form(act), said);
}

function table(categories, change) {
  const head = ["code", "name", "unit", "state"].map((key) => el("th", { scope: "col" }, t(`categories.${key}`)));
  const rows = categories.map((one) => row(one, change));
  return stacking(el("table", {}, el("thead", {}, el("tr", {}, head, el("th", {}))), el("tbody", {}, rows)));
}

function row(one, change) {
  const retired = one.retired != null;
  const words = t(retired ? "categories.take_up" : "categories.retire");
  return el(
    "tr",
    { class: retired ? "quiet" : "", "data-category": one.code },
    el("td", {}, el("code", {}, one.code)),
    el("td", {}, one.name),
    el("td", {}, one.unit_name ?? t("categories.none")),
    el("td", {}, retired ? t("categories.retired", { reason: one.retired }) : t("categories.in_use")),
    el("td", { class: "number" }, el("button", { type: "button", class: "small", onclick: () => change(one) }, words)),
  );
}

function askReason(one) {
  const entry = el("input", { name: "reason", required: true, maxlength: "100", autocomplete: "off" });
  return ask({
    title: t("categories.retire_title", { name: one.name }),
    body: [el("p", {}, t("categories.retire_text")), field(t("categories.reason"), entry)],
    confirm: t("categories.retire"),
    ready: () => entry.value.trim().length > 0,
    answer: () => ({ retired: entry.value.trim() }),
    send: (body) => call("PATCH", pathOf(one), { body }),
    test: "retire-dialog",
  });
}

function form(act) {
  const made = el(
    "form",
    { class: "fields", "data-test": "category-form" },
    field(
      t("categories.code"),
      el("input", { name: "code", required: true, maxlength: "40", pattern: "[a-z][a-z0-9_]*", autocomplete: "off" }),
    ),
    field(t("categories.name"), el("input", { name: "name", required: true, maxlength: "100", autocomplete: "off" })),
    el("div", { class: "actions full" }, el("button", { type: "submit", class: "main" }, t("categories.add"))),
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = Object.fromEntries(new FormData(made));
    if (config.lang === "en") sent.name_en = sent.name;
    if (await act("POST", PATH, sent)) made.reset();
  });
  return made;
}
