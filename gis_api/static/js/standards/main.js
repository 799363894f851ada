// The standard sheet: one version, searched by words and class; an admin takes in a new one.
import { get } from "../api.js";
import { config, number, t, when } from "../config.js";
import { byId, el, failureBox, fill, skeleton, stacking } from "../dom.js";
import { openTaking } from "./taking.js";

const box = byId("sheet");
/** @type {{ version: number, sub_classes: any[], versions: any[] }} */
let sheet = { version: 0, sub_classes: [], versions: [] };

async function load(version) {
  fill(box, skeleton(6));
  try {
    sheet = await get(`/api/v1/standards${version ? `?version=${version}` : ""}`);
    drawHead();
    draw();
  } catch (problem) {
    fill(
      box,
      failureBox(problem, () => load(version)),
    );
  }
  byId("main").dataset.test = "ready";
}

function drawHead() {
  const { version, versions, sub_classes: subClasses } = sheet;
  byId("finding").hidden = !versions.length;
  const known = versions.find((one) => one.version === version);
  const choose = el(
    "select",
    { "aria-label": t("standards.versions"), "data-test": "standards-version" },
    versions.map((one) =>
      el(
        "option",
        { value: one.version, selected: one.version === version },
        t("standards.version", { n: one.version }),
      ),
    ),
  );
  choose.addEventListener("change", () => load(choose.value));
  const export_ = { class: "button", href: `/api/v1/standards/${version}.xlsx?lang=${config.lang}`, download: "" };
  fill(
    byId("versions"),
    versions.length ? choose : null,
    known ? el("a", { ...export_, "data-test": "standards-export" }, t("standards.export")) : null,
    known
      ? el(
          "span",
          { class: "quiet" },
          [
            t("standards.counts", { sub_classes: number(known.sub_classes), conditions: number(known.conditions) }),
            t("standards.taken_in_by", { by: known.by, at: when(known.at) }),
            known.note,
          ]
            .filter(Boolean)
            .join(" · "),
        )
      : null,
  );
  const classes = [...new Set(subClasses.map((one) => one.class))];
  fill(
    byId("class"),
    el("option", { value: "" }, t("standards.all_classes")),
    classes.map((name) => el("option", { value: name }, name)),
  );
}

const textOf = ({ code, name, class: className, supervising, responsible, basis, conditions }) =>
  [code, name, className, supervising, responsible, basis, ...conditions.flatMap((one) => [one.code, one.case])]
    .join(" ")
    .toLowerCase();

function draw() {
  const words = byId("words").value.trim().toLowerCase().split(/\s+/);
  const chosen = byId("class").value;
  const found = sheet.sub_classes.filter(
    (one) => (!chosen || one.class === chosen) && words.every((word) => textOf(one).includes(word)),
  );
  byId("count").textContent = sheet.sub_classes.length ? t("standards.shown", { n: number(found.length) }) : "";
  const empty = t(sheet.sub_classes.length ? "standards.none_found" : "standards.none");
  fill(box, found.length ? found.map(card) : el("p", { class: "empty", "data-test": "standards-empty" }, empty));
}

function card(one) {
  const told = [
    [t("standards.supervising"), one.supervising],
    [t("standards.responsible"), one.responsible],
    [t("standards.basis"), one.basis],
  ];
  return el(
    "section",
    { class: "card sub-class", "data-code": one.code },
    el(
      "header",
      {},
      el("h2", {}, one.name),
      el("span", { class: "chip" }, one.code),
      el("span", { class: "quiet" }, one.class, one.kind ? ` · ${t(`standards.kind_${one.kind}`)}` : ""),
    ),
    el(
      "p",
      { class: "quiet" },
      told
        .filter(([, words]) => words)
        .map(([name, words]) => `${name} ${words}`)
        .join(" · "),
    ),
    conditionTable(one.conditions),
  );
}

function conditionTable(conditions) {
  const head = ["case", "limit", "closes"].map((key) => el("th", { scope: "col" }, t(`standards.${key}`)));
  const row = ({ code, case: words, limit, closes }) =>
    el(
      "tr",
      { "data-condition": code },
      el("td", {}, words),
      el("td", {}, el("span", { class: `limit ${limit.kind}` }, limit.text)),
      el("td", {}, closes),
    );
  return stacking(el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, conditions.map(row))));
}

byId("words").addEventListener("input", draw);
byId("class").addEventListener("change", draw);
openTaking(() => load());
await load();
