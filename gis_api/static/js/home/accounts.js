// The people who can sign in and the keys of machines: seen, added, locked, revoked.
import { call, get } from "../api.js";
import { config, t } from "../config.js";
import { el, fill, stacking } from "../dom.js";
import { acting } from "./acting.js";
import { ask } from "../parts/dialogs.js";
import { DATUMS, field, select } from "../parts/where.js";

const ROLES = ["planner", "dispatcher", "leader", "worker", "unit", "admin", "auditor"];
// What the service decides.
const { shortest_password: SHORTEST_PASSWORD } = config;
const KINDS = {
  user: { path: "/api/v1/users", list: "users", columns: ["name", "role", "area", "worker", "state"] },
  key: { path: "/api/v1/keys", list: "keys", columns: ["name", "role", "area", "datum"] },
};

export async function show(body) {
  const parts = await Promise.all(Object.keys(KINDS).map(part));
  fill(body, parts);
}

async function part(kind) {
  const list = el("div", { class: "scroll", "data-test": `${kind}s` });
  const said = el("div", { role: "status", "data-test": `${kind}-said` });
  async function refresh() {
    fill(list, table(kind, (await get(KINDS[kind].path))[KINDS[kind].list], act));
  }
  const act = acting(said, refresh);
  await refresh();
  return el("section", { class: "answer" }, el("h3", {}, t(`accounts.${kind}s`)), list, form(kind, act, said), said);
}

function table(kind, accounts, act) {
  if (!accounts.length) return el("p", { class: "empty" }, t(`accounts.no_${kind}s`));
  const head = KINDS[kind].columns.map((column) => el("th", {}, t(`accounts.${column}`)));
  const rows = accounts.map((one) => row(kind, one, act));
  return stacking(el("table", {}, el("thead", {}, el("tr", {}, head, el("th", {}))), el("tbody", {}, rows)));
}

function row(kind, one, act) {
  const path = `${KINDS[kind].path}/${encodeURIComponent(one.name)}`;
  const button = (words, method, sent) =>
    el("button", { type: "button", class: "small", onclick: () => act(method, path, sent) }, words);
  const last = kind === "key" ? (one.datum ?? "—") : t(one.active ? "accounts.active" : "accounts.locked");
  const own = kind === "user" && one.name === config.person.name;
  const change =
    kind === "key"
      ? button(t("accounts.revoke"), "DELETE")
      : own
        ? null
        : [
            el("button", { type: "button", class: "small", onclick: () => reset(one, path) }, t("accounts.reset")),
            " ",
            button(t(one.active ? "accounts.lock" : "accounts.unlock"), "PATCH", { active: !one.active }),
          ];
  return el(
    "tr",
    { class: one.active === false ? "quiet" : "" },
    [one.name, t(`roles.${one.role}`), one.area || "—"].map((words) => el("td", {}, words)),
    kind === "user"
      ? el(
          "td",
          {},
          worker(one, (number) => act("PATCH", path, { worker: number })),
        )
      : null,
    el("td", {}, last),
    el("td", { class: "number" }, change),
  );
}

// For somebody who has forgotten theirs; they change it themselves afterwards, in the account menu.
function reset(one, path) {
  const entry = el("input", { name: "password", required: true, minlength: SHORTEST_PASSWORD, autocomplete: "off" });
  return ask({
    title: t("accounts.reset_for", { name: one.name }),
    body: field(t("accounts.password"), entry),
    ready: () => entry.value.length >= SHORTEST_PASSWORD,
    answer: () => ({ password: entry.value }),
    send: (body) => call("PATCH", path, { body }),
    test: "reset-dialog",
  });
}

// The staff number that an account is tied to: without one a worker has no tasks.
function worker(one, tie) {
  const entry = el("input", {
    class: "small",
    name: "worker",
    value: one.worker ?? "",
    maxlength: "60",
    size: "10",
    autocomplete: "off",
    placeholder: one.role === "worker" ? t("accounts.no_worker") : "—",
    "aria-label": t("accounts.worker_of", { name: one.name }),
  });
  entry.addEventListener("change", () => tie(entry.value.trim() || null));
  return entry;
}

function form(kind, act, said) {
  const made = el(
    "form",
    { class: "fields", "data-test": `${kind}-form` },
    field(t("accounts.name"), el("input", { name: "name", required: true, maxlength: "100", autocomplete: "off" })),
    field(
      t("accounts.role"),
      select(
        "role",
        ROLES.map((role) => [role, t(`roles.${role}`)]),
        "dispatcher",
      ),
    ),
    field(
      t("accounts.area"),
      el("input", { name: "area", value: config.person.area, maxlength: "40", autocomplete: "off" }),
    ),
    kind === "user" ? password() : datum(),
    kind === "user"
      ? field(t("accounts.worker"), el("input", { name: "worker", maxlength: "60", autocomplete: "off" }))
      : field(t("accounts.gateway"), el("input", { name: "gateway", type: "checkbox" })),
    el("div", { class: "actions full" }, el("button", { type: "submit", class: "main" }, t(`accounts.add_${kind}`))),
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    /** @type {Record<string, any>} */
    const sent = Object.fromEntries(new FormData(made));
    if (kind === "key") Object.assign(sent, { datum: sent.datum || null, gateway: Boolean(sent.gateway) });
    else sent.worker ||= null;
    const done = await act("POST", KINDS[kind].path, sent);
    if (!done) return;
    made.reset();
    fill(
      said,
      el(
        "p",
        { class: "message good" },
        kind === "user"
          ? t("accounts.user_added", { name: done.name })
          : el(
              "div",
              {},
              t("accounts.key_added", { name: done.name }),
              el("br"),
              el("code", { "data-test": "fresh-key" }, done.key),
            ),
      ),
    );
  });
  return made;
}

function password() {
  const entry = { name: "password", type: "password", required: true, minlength: SHORTEST_PASSWORD };
  return field(t("accounts.password"), el("input", { ...entry, autocomplete: "new-password" }));
}

function datum() {
  const known = DATUMS.map((name) => [name, name.toUpperCase()]);
  return field(t("report.datum"), select("datum", [["", t("accounts.stated_each_time")], ...known], ""));
}
