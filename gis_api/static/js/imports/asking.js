// What a person says about a file: its table, CRS or datum, layer, columns and frame; with the figures to decide by.
import { config, has, measure, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { locate } from "./stage.js";

const percent = (share) => (share == null ? "—" : `${(100 * share).toFixed(1)} %`);
// Another reading is only worth a hint where it covers clearly more of the district.
const CLEARLY = 0.01;

export class Asking {
  constructor(box, { again, start }) {
    this.box = box;
    this.tell = { again, start };
  }

  show(job) {
    this.job = job;
    this.found = job.result;
    this.said = {
      table: job.asked.table ?? null,
      datum: job.asked.datum ?? null,
      crs: job.asked.crs ?? null,
      layer: this.said?.layer ?? "grids",
      below: this.said?.below ?? "keep",
    };
    this.draw();
  }

  draw() {
    const { found } = this;
    const ready = !found.needs.length && !found.refusal;
    fill(
      this.box,
      el("h2", {}, t("imports.step_say")),
      this.summary(),
      found.refusal ? el("p", { class: "message bad", role: "alert" }, found.refusal.detail) : null,
      found.tables.length > 1 ? this.tables() : null,
      found.needs.includes("crs")
        ? el("p", { class: "message", role: "alert", "data-test": "imports-needs-crs" }, t("imports.needs_crs"))
        : null,
      found.table == null || found.needs.includes("positions") ? null : this.places(),
      this.hint(),
      this.faults(),
      ready ? this.settings() : null,
    );
    this.box.hidden = false;
  }

  summary() {
    const { found, job } = this;
    const types = Object.entries(found.geometry_types ?? {})
      .map(([type, n]) => `${type} ${number(n)}`)
      .join(", ");
    const words = [
      t("imports.kind", { file: job.file, kind: found.kind }),
      found.count == null ? null : t("imports.rows", { n: number(found.count) }),
      types,
      found.encoding ? t("imports.encoding", { encoding: found.encoding }) : null,
      found.crs ? t("imports.crs_found", { crs: found.crs }) : t("imports.crs_none"),
    ];
    return el("p", { "data-test": "imports-summary" }, words.filter(Boolean).join(" · "));
  }

  tables() {
    const select = el(
      "select",
      {
        "data-test": "imports-table",
        onchange: () => select.value && this.tell.again({ ...this.said, table: select.value }),
      },
      el("option", { value: "" }, t("imports.choose_table")),
      this.found.tables.map((name) => el("option", { value: name, selected: name === this.found.table }, name)),
    );
    return el("label", {}, el("span", {}, t("imports.table")), select);
  }

  // Each way to read the coordinates with its figures; choosing one reads the file again.
  places() {
    const ways = this.found.fits.length ? this.found.fits : ["EPSG:4326", ...config.datums].map((as) => ({ as }));
    const rows = ways.map((fit) =>
      el(
        "tr",
        {},
        el(
          "td",
          {},
          el(
            "label",
            {},
            el("input", {
              type: "radio",
              name: "way",
              value: fit.as,
              checked: this.found.taken_as === fit.as,
              "data-test": `imports-way-${fit.as}`,
              onchange: () => this.choose(fit.as),
            }),
            this.nameOf(fit.as),
          ),
        ),
        el("td", { class: "number" }, percent(fit.covered)),
        el("td", { class: "number" }, percent(fit.inside)),
        el("td", { class: "number" }, fit.shift_m == null ? "—" : `${measure(fit.shift_m)} m`),
      ),
    );
    const crs = el("input", {
      placeholder: "EPSG:4548",
      value: this.said.crs ?? "",
      "data-test": "imports-crs",
      "aria-label": t("imports.other_crs"),
      onchange: () => crs.value.trim() && this.tell.again({ ...this.said, datum: null, crs: crs.value.trim() }),
    });
    const head = ["way", "covered", "inside", "shift"].map((key) =>
      el("th", { class: key === "way" ? "" : "number" }, t(`imports.${key}`)),
    );
    return el(
      "div",
      { class: "answer" },
      el(
        "div",
        { class: "scroll" },
        el(
          "table",
          { class: "fits", "data-test": "imports-fits" },
          el("thead", {}, el("tr", {}, head)),
          el("tbody", {}, rows),
        ),
      ),
      el("label", {}, el("span", {}, t("imports.other_crs")), crs),
    );
  }

  nameOf(way) {
    return way === this.found.crs
      ? t("imports.as_file", { crs: way })
      : t("imports.as_datum", { datum: way.toUpperCase() });
  }

  choose(way) {
    const datum = config.datums.includes(way) ? way : null;
    this.tell.again({ ...this.said, datum, crs: datum || way === this.found.crs ? null : way });
  }

  hint() {
    const fits = this.found.fits ?? [];
    const taken = fits.find((fit) => fit.as === this.found.taken_as);
    if (taken && taken.inside < 0.5 && taken.swapped_inside > 0.5)
      return el("p", { class: "message bad", "data-test": "imports-hint" }, t("imports.swapped"));
    const best = fits.reduce(
      (a, b) => ((b.covered ?? b.inside) > (a.covered ?? a.inside) ? b : a),
      taken ?? fits[0] ?? null,
    );
    const better = taken && best !== taken && (best.covered ?? best.inside) - (taken.covered ?? taken.inside) > CLEARLY;
    if (taken && taken.inside < 0.5 && !(better && best.inside > 0.5))
      return el(
        "p",
        { class: "message bad", "data-test": "imports-hint" },
        t("imports.elsewhere", { inside: percent(taken.inside) }),
      );
    if (!better) return null;
    const values = {
      way: this.nameOf(best.as),
      there: percent(best.covered ?? best.inside),
      here: percent(taken.covered ?? taken.inside),
      shift: measure(best.shift_m || taken.shift_m),
    };
    return el("p", { class: "message", role: "status", "data-test": "imports-hint" }, t("imports.shifted", values));
  }

  faults() {
    const { found } = this;
    if (!found.faults?.length) return null;
    return el(
      "details",
      { "data-test": "imports-faults" },
      el("summary", {}, found.faults.map((fault) => `${fault.words} ${number(fault.count)}`).join(" · ")),
      el(
        "ul",
        {},
        found.first_faults.map((fault) =>
          el(
            "li",
            {},
            `${t("imports.row", { n: fault.row })} ${fault.words} `,
            fault.lon == null
              ? null
              : el(
                  "button",
                  {
                    type: "button",
                    class: "small",
                    onclick: () => locate({ type: "Point", coordinates: [fault.lon, fault.lat] }),
                  },
                  t("imports.locate"),
                ),
          ),
        ),
      ),
    );
  }

  settings() {
    const layer = el(
      "select",
      {
        "data-test": "imports-layer",
        onchange: () => {
          this.said.layer = layer.value;
          this.draw();
        },
      },
      config.layers.map((name) =>
        el("option", { value: name, selected: name === this.said.layer }, t(`imports.layer_${name}`)),
      ),
    );
    this.frame = el(
      "select",
      { "data-test": "imports-frame" },
      ["stored", "union"].map((value) => el("option", { value }, t(`imports.frame_${value}`))),
    );
    this.zone = el("input", { value: Intl.DateTimeFormat().resolvedOptions().timeZone || "Asia/Shanghai" });
    const timed = config.timed.includes(this.said.layer);
    const begin = (dry_run) => () => this.tell.start(this.form(dry_run));
    return el(
      "form",
      { class: "answer", onsubmit: (event) => event.preventDefault() },
      el("label", {}, el("span", {}, t("imports.layer")), layer),
      this.columns(),
      this.said.layer === "grids" ? el("label", {}, el("span", {}, t("imports.frame")), this.frame) : null,
      this.below(),
      timed ? el("label", {}, el("span", {}, t("imports.tz")), this.zone) : null,
      el(
        "div",
        { class: "actions" },
        el(
          "button",
          { type: "button", class: "main", "data-test": "imports-start", onclick: begin(false) },
          t(this.said.layer === "grids" ? "imports.start_grids" : "imports.start"),
        ),
        el("button", { type: "button", "data-test": "imports-dry-run", onclick: begin(true) }, t("imports.dry_run")),
      ),
    );
  }

  // What becomes of sub-grids and overlays in force that the file does not hold: asked, and nothing is
  // lost where nobody answers.
  below() {
    const { sub_grids, overlays } = this.found.in_force;
    if (this.said.layer !== "grids" || !(sub_grids || overlays)) return null;
    const choice = (value) =>
      el(
        "label",
        { class: "tick" },
        el("input", {
          type: "radio",
          name: "below",
          value,
          checked: this.said.below === value,
          "data-test": `imports-below-${value}`,
          onchange: () => (this.said.below = value),
        }),
        el("span", {}, t(`imports.below_${value}`)),
      );
    return el(
      "fieldset",
      { "data-test": "imports-below" },
      el("legend", { class: "quiet" }, t("imports.below")),
      el("p", {}, t("imports.below_lead", { sub_grids: number(sub_grids), overlays: number(overlays) })),
      choice("keep"),
      choice("none"),
    );
  }

  // A field of the layer → a column of the file, guessed by name.
  columns() {
    const guessed = this.found.guesses[this.said.layer];
    this.choices = this.found.layer_fields[this.said.layer].map((field) => {
      const select = el(
        "select",
        { "data-field": field, "data-test": `imports-field-${field}` },
        el("option", { value: "" }, t("imports.no_column")),
        this.found.fields.map((column) =>
          el(
            "option",
            { value: column.name, selected: guessed[field] === column.name },
            `${column.name}${column.samples.length ? ` (${column.samples.join(", ").slice(0, 40)})` : ""}`,
          ),
        ),
      );
      return select;
    });
    return el(
      "fieldset",
      {},
      el("legend", { class: "quiet" }, t("imports.columns")),
      el(
        "div",
        { class: "pairs" },
        this.choices.map((select) => el("label", {}, el("span", {}, wordsOf(select.dataset.field)), select)),
      ),
    );
  }

  form(dry_run) {
    const mapping = Object.fromEntries(
      this.choices.filter((select) => select.value).map((select) => [select.value, select.dataset.field]),
    );
    const asked = {
      upload: this.job.upload,
      layer: this.said.layer,
      mapping,
      dry_run,
      frame: this.said.layer === "grids" ? this.frame.value : "stored",
    };
    const known = {
      district: this.job.district,
      table: this.found.tables.length > 1 ? this.found.table : null,
      datum: this.said.datum,
      crs: this.said.crs,
      tz: this.zone.value,
      sub_grids: this.said.layer === "grids" ? this.said.below : null,
    };
    return { ...asked, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value)) };
  }
}

const wordsOf = (field) => (has(`imports.field_${field}`) ? t(`imports.field_${field}`) : field);
