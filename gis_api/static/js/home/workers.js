// The people of the area, a page at a time; an admin has somebody leave and hands over what they hold.
import { get } from "../api.js";
import { config, t } from "../config.js";
import { el, fill, refusalBox, stacking } from "../dom.js";
import { leave } from "../parts/leaving.js";

const FIRST = "/api/v1/workers?limit=20";

export async function show(body) {
  const said = el("div", { role: "status", "data-test": "worker-said" });
  const list = el("div", { class: "scroll", "data-test": "workers" });
  const more = el("button", { type: "button", "data-test": "workers-more" }, t("workers.more"));
  let next = null;
  async function load(path, { append = false } = {}) {
    const told = await get(path);
    next = told.next;
    if (append) list.querySelector("tbody").append(...told.workers.map(row));
    else fill(list, told.workers.length ? table(told.workers) : el("p", { class: "empty" }, t("workers.none")));
    if (told.workers.length) stacking(list.querySelector("table"));
    more.hidden = !next;
  }
  const row = (worker) => rowOf(worker, said, () => load(FIRST));
  const table = (workers) => {
    const head = ["number", "name", "role", "grid"].map((key) => el("th", { scope: "col" }, t(`workers.${key}`)));
    return el("table", {}, el("thead", {}, el("tr", {}, head, el("th", {}))), el("tbody", {}, workers.map(row)));
  };
  const tried = (work) => async (event) => {
    event.preventDefault();
    try {
      await work(event);
      fill(said);
    } catch (problem) {
      fill(said, refusalBox(problem));
    }
  };
  more.addEventListener(
    "click",
    tried(() => load(next, { append: true })),
  );
  const entry = el("input", { name: "number", maxlength: "60", autocomplete: "off" });
  const find = el(
    "form",
    { class: "actions", role: "search", "data-test": "worker-find" },
    el("label", {}, el("span", {}, t("workers.number")), entry),
    el("button", { type: "submit" }, t("workers.find")),
  );
  find.addEventListener(
    "submit",
    tried(async () => {
      const number = entry.value.trim();
      if (!number) return load(FIRST);
      const found = await get(`/api/v1/workers/${encodeURIComponent(number)}`);
      fill(list, stacking(table([found])));
      more.hidden = true;
    }),
  );
  await load(FIRST);
  fill(body, find, said, list, more);
}

function rowOf(worker, said, refresh) {
  const mayGo = config.person.role === "admin" && worker.active;
  const go = async () => {
    const left = await leave(worker);
    if (!left) return;
    await refresh();
    fill(said, el("p", { class: "message good" }, t("leaving.done", { name: worker.name })));
  };
  return el(
    "tr",
    { class: worker.active ? "" : "quiet", "data-worker": worker.number },
    el("td", {}, worker.number),
    el("td", {}, worker.name),
    el("td", {}, t(`roles_in_grid.${worker.role}`)),
    el("td", {}, worker.active ? worker.grids.join(" ") : t("leaving.left")),
    el(
      "td",
      { class: "number" },
      mayGo ? el("button", { type: "button", class: "small", onclick: go }, t("leaving.leave")) : null,
    ),
  );
}
