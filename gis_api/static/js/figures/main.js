// The evaluation: what is asked stands in the address, so that it can be left, sent to somebody and gone back to.
import { get } from "../api.js";
import { config, t } from "../config.js";
import { beginPage, byId, el, fill } from "../dom.js";
import { showBehind } from "./behind.js";
import { monthOf, offerBulletin } from "./bulletin.js";
import { drawBars, drawTrend } from "./chart.js";
import { asKind, kindOf, monthToShow, step } from "./periods.js";
import { change, drawTable, numberButton, percent } from "./table.js";

const FIRST = ["collected", "solved", "fed_back", "late"];
const NAMES = ["by", "area", "period", "against"];
const today = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);

const asked = {};
/** @type {any} */
let told = null;
let sorted = "rank";
let chosen = "late";
let categories = new Map();
let turn = 0;

function readAddress() {
  const sent = new URLSearchParams(location.search);
  const usual = { by: "area", area: "", period: monthToShow(today), against: "previous" };
  for (const name of NAMES) asked[name] = sent.get(name) ?? usual[name];
  asked.figure = sent.get("figure") ?? "";
  asked.code = sent.get("code");
}

function query(more = {}) {
  const sent = new URLSearchParams();
  for (const name of NAMES) if (asked[name]) sent.set(name, asked[name]);
  for (const [name, value] of Object.entries(more)) if (value != null) sent.set(name, value);
  return sent.toString();
}

function go(changes) {
  Object.assign(asked, { figure: "", code: null }, changes);
  const more = asked.figure ? { figure: asked.figure, code: asked.code } : {};
  history.pushState(null, "", `?${query(more)}`);
  beginPage(show);
}

const nameOf = (row) => {
  if (row.code === "-") return t("evaluation.none");
  if (!row.code) return t("evaluation.total");
  return asked.by === "post" && config.texts[`roles_in_grid.${row.code}`]
    ? t(`roles_in_grid.${row.code}`)
    : row.name || row.code;
};

async function show() {
  const mine = (turn += 1);
  drawControls();
  const found = await get(`/api/v1/evaluation?${query()}`);
  if (mine !== turn) return;
  told = found;
  draw();
  if (asked.figure) openList();
  else byId("behind").hidden = true;
}

function drawControls() {
  const kinds = { by: asked.by, kind: kindOf(asked.period), against: asked.against };
  for (const [name, value] of Object.entries(kinds))
    for (const input of byId("controls").elements[name]) input.checked = input.value === value;
  byId("period").textContent = asked.period;
  byId("export").href = `/api/v1/evaluation.xlsx?${query({ lang: config.lang })}`;
  byId("export-pdf").href = `/api/v1/evaluation.pdf?${query({ lang: config.lang })}`;
}

function draw() {
  const open = (figure, row) => go({ figure, code: row.code || null });
  const deeper = asked.by === "area" ? (row) => go({ area: row.code }) : null;
  drawPath();
  fill(
    byId("first"),
    FIRST.map((figure) => {
      const value = told.total.figures[figure];
      const before = told.total.before?.[figure];
      const of = told.figures.find((one) => one.figure === figure).of;
      const share = of ? t("evaluation.of", { of: t(`evaluation.figure_${of}`), rate: percent(value.rate) }) : "";
      const changed = [t("evaluation.before", { period: told.against.period }), change(value, before)].join(" ");
      return el(
        "article",
        { class: figure === "late" && value.n ? "bad" : "", "data-first": figure },
        el("span", {}, t(`evaluation.figure_${figure}`)),
        numberButton(told.total, figure, open),
        el("span", { class: "quiet" }, share || " "),
        el("span", { class: "quiet" }, changed),
      );
    }),
  );
  drawCharts();
  const sort = (key) => {
    sorted = key;
    draw();
  };
  drawTable(byId("table"), { told, sorted, sort, open, into: deeper, nameOf });
  drawNotes();
}

function drawCharts() {
  const select = byId("figure");
  const options = told.figures.map(({ figure }) =>
    el("option", { value: figure, selected: figure === chosen }, t(`evaluation.figure_${figure}`)),
  );
  fill(select, options);
  const words = t("evaluation.chart", { figure: t(`evaluation.figure_${chosen}`), period: told.period.period });
  byId("trend-title").textContent = words;
  drawTrend(byId("trend"), { trend: told.trend, figure: chosen, words });
  drawBars(byId("bars"), { rows: told.rows, figure: chosen, nameOf });
}

function drawPath() {
  const box = byId("path");
  const own = config.person.area;
  const names = new Map(told.path.map(({ code, name }) => [code, name || code]));
  // One's own area and the asked one stand in the path also where no area has just that code.
  const codes = [...new Set([own, ...names.keys(), told.area])].filter((code) => code.startsWith(own)).sort();
  const nameOfArea = (code) => names.get(code) ?? (code || t("evaluation.city"));
  const crumb = (code) =>
    code === told.area
      ? el("span", { "aria-current": "page", title: code }, nameOfArea(code))
      : el(
          "button",
          { type: "button", "data-area": code, title: code, onclick: () => go({ area: code }) },
          nameOfArea(code),
        );
  fill(box, codes.map(crumb));
}

function drawNotes() {
  const parts = told.figures
    .filter(({ weight }) => weight)
    .map(({ figure, better, weight }) => {
      const way = better === "low" ? ` (${t("evaluation.better_low")})` : "";
      return t("evaluation.formula_of", { figure: t(`evaluation.figure_${figure}`), weight, way });
    });
  byId("formula").textContent = [t("evaluation.formula"), parts.join(" · "), t("evaluation.weights")].join(" ");
  const missing = told.left_out.map((name) => t(`evaluation.left_out_${name}`)).join(" · ");
  byId("left-out").textContent = `${t("evaluation.left_out")} ${missing}`;
}

function openList() {
  const code = asked.code;
  const row = code == null ? told.total : told.rows.find((one) => one.code === code);
  const sent = new URLSearchParams(query({ code, limit: 50 }));
  sent.delete("against"); // a list is of one period
  const address = `/api/v1/evaluation/${encodeURIComponent(asked.figure)}/incidents?${sent}`;
  const rowName = row ? nameOf(row) : code;
  showBehind({ address, figure: asked.figure, rowName, categories, close: () => go({}) });
}

function listen() {
  const controls = byId("controls");
  controls.addEventListener("change", ({ target }) => {
    if (target.name === "kind") go({ period: asKind(target.value, asked.period, today) });
    else go({ [target.name]: target.value });
  });
  controls.addEventListener("submit", (event) => event.preventDefault());
  byId("earlier").addEventListener("click", () => go({ period: step(asked.period, -1) }));
  byId("later").addEventListener("click", () => go({ period: step(asked.period, 1) }));
  byId("figure").addEventListener("change", () => {
    chosen = byId("figure").value;
    drawCharts();
  });
  addEventListener("popstate", () => {
    readAddress();
    beginPage(show);
  });
}

const month = () => ({ month: monthOf(asked.period, told?.period.since ?? asked.period), area: asked.area });

listen();
await beginPage(async () => {
  readAddress();
  const known = await get("/api/v1/categories");
  categories = new Map(known.categories.map(({ code, name }) => [code, name]));
  await show();
  const box = document.getElementById("bulletin");
  if (box) await offerBulletin(box, month);
});
