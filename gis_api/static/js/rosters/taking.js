// A roster from a spreadsheet: looked at first, every row that stands in the way is named, then all of it is stored.
import { call } from "../api.js";
import { number, t } from "../config.js";
import { byId, el, fill, refusalBox } from "../dom.js";
import { tellOutcome } from "./editing.js";

const MOST_SHOWN = 50;

// For whom the page has a place for it; `stored` is called after something was stored.
export function openTaking(stored, gapWords) {
  const card = byId("taking");
  if (!card) return;
  const said = el("div", { role: "status", "data-test": "rosters-taken" });
  const file = el("input", { type: "file", accept: ".xlsx,.csv", class: "unseen", "data-test": "rosters-file" });
  const take = el("button", { type: "button", class: "main", disabled: true, "data-test": "rosters-take" });
  take.textContent = t("rosters.save");
  const name = el("span", { class: "quiet" });
  const columns = el("p", { class: "quiet" });
  const kind = el(
    "select",
    { "data-test": "rosters-kind", "aria-label": t("rosters.what") },
    el("option", { value: "exceptions" }, `${t("rosters.leave")} / ${t("rosters.extra")}`),
    el("option", { value: "templates" }, t("rosters.template")),
  );
  const replace = el("input", { type: "checkbox" });
  const tick = el("label", { class: "tick" }, replace, el("span", {}, t("rosters.replace")));
  const describe = () => {
    columns.textContent = t(`rosters.columns_${kind.value}`);
    tick.hidden = kind.value !== "templates";
  };
  const send = async (trial) => {
    take.disabled = true;
    const form = new FormData();
    form.append("file", file.files[0]);
    const instead = kind.value === "templates" && replace.checked;
    const query = new URLSearchParams({ kind: kind.value, replace: String(instead), dry_run: String(trial) });
    try {
      const { data } = await call("POST", `/api/v1/shifts/import?${query}`, { body: form });
      fill(said, tell(data, gapWords));
      take.disabled = !(trial && data.ok);
      if (!trial) stored();
    } catch (problem) {
      fill(said, refusalBox(problem));
      take.disabled = true;
    }
  };
  const look = () => {
    describe();
    if (file.files.length) send(true);
  };
  file.addEventListener("change", () => {
    name.textContent = file.files[0]?.name ?? "";
    look();
  });
  kind.addEventListener("change", look);
  replace.addEventListener("change", look);
  take.addEventListener("click", () => send(false));
  describe();
  const buttons = el("label", { class: "button choose" }, file, t("rosters.choose"));
  card.append(
    el("div", { class: "taking" }, kind, columns, tick, el("div", { class: "actions" }, buttons, name, take), said),
  );
}

function tell(told, gapWords) {
  if (!told.ok) {
    const rows = told.refused.slice(0, MOST_SHOWN).map(({ text }) => el("li", {}, text));
    const words = el("p", {}, t("rosters.import_refused", { n: number(told.refused.length) }));
    const list = el("ul", { class: "refused", "data-test": "rosters-refused" }, rows);
    return el("div", { class: "message bad" }, el("div", {}, words, list));
  }
  const key = told.dry_run ? "rosters.import_fine" : "rosters.imported";
  return [el("p", { class: "message good" }, t(key, { n: number(told.rows) })), tellOutcome(told.outcome, gapWords)];
}
