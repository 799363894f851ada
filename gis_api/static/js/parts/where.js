// The fields of a position, and the sentences about a located one: shared by looking up and by reporting.
import { has, number, t } from "../config.js";
import { el } from "../dom.js";

export const DATUMS = ["wgs84", "cgcs2000", "gcj02", "bd09"];
const DATUM_NAMES = { wgs84: "WGS84", cgcs2000: "CGCS2000", gcj02: "GCJ-02", bd09: "BD-09" };

export function field(words, control, full = false) {
  return el("label", { class: full ? "full" : "" }, el("span", {}, words), control);
}

export function select(name, options, chosen) {
  return el(
    "select",
    { name },
    options.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
  );
}

export function positionFields() {
  const coordinate = (name, words) =>
    field(
      words,
      el("input", {
        name,
        inputmode: "decimal",
        required: true,
        autocomplete: "off",
        placeholder: name === "lon" ? "118.19" : "39.65",
      }),
    );
  return [
    coordinate("lon", t("report.lon")),
    coordinate("lat", t("report.lat")),
    field(
      t("report.datum"),
      select(
        "datum",
        DATUMS.map((datum) => [datum, DATUM_NAMES[datum]]),
        "wgs84",
      ),
    ),
  ];
}

// A button that fills in where the device is; browsers tell that to pages over HTTPS only.
export function hereButton(form) {
  if (!navigator.geolocation || !isSecureContext) return null;
  const button = el("button", { type: "button" }, t("locate.here"));
  button.addEventListener("click", () => {
    button.disabled = true;
    const done = () => (button.disabled = false);
    const fill = ({ coords }) => {
      form.elements.lon.value = coords.longitude.toFixed(7);
      form.elements.lat.value = coords.latitude.toFixed(7);
      form.elements.datum.value = "wgs84";
      done();
    };
    const without = () => {
      button.textContent = t("locate.no_fix");
      done();
    };
    navigator.geolocation.getCurrentPosition(fill, without, { enableHighAccuracy: true, timeout: 8000 });
  });
  return button;
}

// Both numbers pasted into one field are split: "118.19, 39.65".
export function splitPaste(form) {
  form.elements.lon.addEventListener("paste", (event) => {
    const pair = event.clipboardData
      .getData("text")
      .trim()
      .match(/^(-?\d+(?:\.\d+)?)[\s,，]+(-?\d+(?:\.\d+)?)$/);
    if (!pair) return;
    event.preventDefault();
    form.elements.lon.value = pair[1];
    form.elements.lat.value = pair[2];
  });
}

export function pathOf(location) {
  return (location.path ?? []).map((step) => step.name || step.code).join(" › ");
}

export function facts(rows) {
  return el(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value != null && value !== "")
      .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

export function located(location) {
  const { grid, sub_grid: part, relation } = location;
  const link = grid
    ? el(
        "a",
        { href: `/grid/${encodeURIComponent(grid.code)}`, "data-test": "located-grid" },
        grid.code,
        grid.name && grid.name !== grid.code ? ` ${grid.name}` : "",
      )
    : t("locate.nobody");
  const others = (location.candidates ?? [])
    .map((other) => `${other.code}（${number(Math.round(other.distance_m * 10) / 10)} m）`)
    .join("、");
  const people = (location.responsible ?? [])
    .map((person) => person.name || person.worker)
    .filter(Boolean)
    .join("、");
  return facts([
    [t("locate.relation"), t(`locate.${relation}`)],
    [t("locate.grid"), link],
    [t("locate.sub_grid"), part?.code],
    [t("locate.path"), pathOf(location)],
    [t("locate.people"), people],
    [t("locate.others"), others],
    [t("locate.version"), location.plan_version ? t("plans.plan_version", { n: location.plan_version }) : null],
  ]);
}

export function candidateTable(candidates, rejected) {
  const reason = (person) =>
    person.reason_text ?? (has(`dispatch.${person.reason}`) ? t(`dispatch.${person.reason}`) : (person.reason ?? ""));
  const row = (person, quiet) =>
    el(
      "tr",
      { class: quiet ? "quiet" : "" },
      el("td", {}, person.name || person.worker),
      el("td", { class: "number" }, person.distance_m == null ? "—" : `${number(Math.round(person.distance_m))} m`),
      el("td", {}, reason(person)),
    );
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      {},
      el(
        "tbody",
        {},
        (candidates ?? []).slice(0, 8).map((person) => row(person, false)),
        (rejected ?? []).slice(0, 6).map((person) => row(person, true)),
      ),
    ),
  );
}
