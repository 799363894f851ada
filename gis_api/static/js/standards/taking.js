// Taking in a new version: a workbook is checked first, every place that stands in its way is listed, then stored.
import { call } from "../api.js";
import { number, t } from "../config.js";
import { byId, el, fill } from "../dom.js";

const MOST_SHOWN = 50;

// For whom the page has a place for it; `stored` is called after a new version.
export function openTaking(stored) {
  const card = byId("taking");
  if (!card) return;
  const said = el("div", { role: "status", "data-test": "standards-said" });
  const file = el("input", { type: "file", accept: ".xlsx", class: "unseen", "data-test": "standards-file" });
  const take = el("button", { type: "button", class: "main", disabled: true, "data-test": "standards-take" });
  take.textContent = t("standards.take_in");
  const name = el("span", { class: "quiet" });
  const buttons = el(
    "div",
    { class: "actions" },
    el("label", { class: "button choose" }, file, t("standards.choose")),
    name,
    take,
  );
  const send = async (trial) => {
    take.disabled = true;
    const form = new FormData();
    form.append("file", file.files[0]);
    try {
      tell(said, (await call("POST", `/api/v1/standards${trial ? "?dry_run=true" : ""}`, { body: form })).data, take);
      if (!trial) stored();
    } catch (problem) {
      const told = (problem.errors ?? []).map(({ msg }) => msg);
      fill(said, el("div", { class: "message bad" }, el("div", {}, problem.message, list(told))));
      take.disabled = !trial;
    }
  };
  file.addEventListener("change", () => {
    if (!file.files.length) return;
    name.textContent = file.files[0].name;
    send(true);
  });
  take.addEventListener("click", () => send(false));
  card.append(el("div", { class: "taking" }, el("p", { class: "quiet" }, t("standards.columns")), buttons, said));
}

function tell(box, told, take) {
  take.disabled = !(told.dry_run && told.ok);
  if (told.version) {
    fill(box, el("p", { class: "message good" }, t("standards.stored", { n: told.version })));
    return;
  }
  if (!told.ok) {
    const words = el("p", {}, t("standards.refused", { n: number(told.refused.length) }));
    fill(box, el("div", { class: "message bad" }, el("div", {}, words, list(told.refused.map(({ text }) => text)))));
    return;
  }
  const { added, changed, removed } = told.changes;
  const counts = { sub_classes: number(told.sub_classes), conditions: number(told.conditions) };
  const moved = { added: number(added.length), changed: number(changed.length), removed: number(removed.length) };
  fill(box, el("p", { class: "message good" }, t("standards.fine", { ...counts, ...moved })));
}

function list(told) {
  if (!told.length) return null;
  const more = told.length > MOST_SHOWN ? t("standards.more_refused", { n: number(told.length - MOST_SHOWN) }) : null;
  return el(
    "ul",
    { class: "refused", "data-test": "standards-refused" },
    told.slice(0, MOST_SHOWN).map((words) => el("li", {}, words)),
    more ? el("li", {}, more) : null,
  );
}
