// The figures of the last thirty days per child area.
import { get } from "../api.js";
import { number, t } from "../config.js";
import { el, fill, stacking } from "../dom.js";

const COLUMNS = [
  ["grids", "grids"],
  ["households", "households"],
  ["hazards", "hazards"],
  ["rectified", "hazards_rectified"],
  ["incidents", "incidents"],
  ["closed", "incidents_closed"],
  ["open", "incidents_open"],
];

export async function show(body) {
  const figures = await get("/api/v1/figures");
  const row = (area, name) =>
    el(
      "tr",
      {},
      el("td", {}, name),
      COLUMNS.map(([, key]) => el("td", { class: "number" }, number(area[key]))),
    );
  fill(
    body,
    el(
      "div",
      { class: "scroll" },
      stacking(
        el(
          "table",
          { "data-test": "figures" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              el("th", {}, t("figures.area")),
              COLUMNS.map(([key]) => el("th", { class: "number" }, t(`figures.${key}`))),
            ),
          ),
          el(
            "tbody",
            {},
            figures.areas.map((area) => row(area, area.name || area.code)),
          ),
          el("tfoot", {}, row(figures.total, el("b", {}, t("figures.total")))),
        ),
      ),
    ),
    el(
      "p",
      { class: "actions" },
      el("a", { class: "button main", href: "/figures", "data-test": "open-evaluation" }, t("figures.open_evaluation")),
      el("a", { class: "button", href: "/heat" }, t("figures.open_heat")),
    ),
  );
}
