// Other systems that are told what happens: entered, tried, paused; what has not arrived is seen here, sent again or
// given up.
import { get } from "../api.js";
import { config, t, when } from "../config.js";
import { el, fill, stacking } from "../dom.js";
import { acting } from "./acting.js";
import { field } from "../parts/where.js";

const PATH = "/api/v1/webhooks";
const KINDS = ["incident.reported", "incident.step", "plan.published", "plan.archived"];
const COLUMNS = ["url", "kinds", "area", "state", "waiting"];

export async function show(body) {
  const list = el("div", { class: "scroll", "data-test": "webhooks" });
  const told = el("div", { "data-test": "webhook-deliveries" });
  const said = el("div", { role: "status", "data-test": "webhook-said" });

  async function refresh() {
    fill(list, table((await get(PATH)).webhooks, act, look));
  }

  const act = acting(said, refresh);

  async function look(webhook) {
    await refresh();
    const rows = (await get(`${PATH}/${webhook.id}/deliveries?limit=50`)).deliveries;
    const decide = async (one, deed) => {
      if (await act("POST", `${PATH}/${webhook.id}/deliveries/${one.id}/${deed}`)) await look(webhook);
    };
    fill(
      told,
      deliveries(webhook, rows, decide, () => fill(told)),
    );
  }

  await refresh();
  fill(body, el("section", { class: "answer" }, list, told, form(act, said), said));
}

function table(webhooks, act, look) {
  if (!webhooks.length) return el("p", { class: "empty" }, t("webhooks.none"));
  const head = COLUMNS.map((column) => el("th", {}, t(`webhooks.${column}`)));
  const rows = webhooks.map((one) => row(one, act, look));
  return stacking(el("table", {}, el("thead", {}, el("tr", {}, head, el("th", {}))), el("tbody", {}, rows)));
}

function row(one, act, look) {
  const path = `${PATH}/${one.id}`;
  const button = (words, onclick) => el("button", { type: "button", class: "small", onclick }, t(`webhooks.${words}`));
  const waiting = one.waiting ? t("webhooks.since", { n: one.waiting, time: when(one.oldest_at) }) : "0";
  return el(
    "tr",
    { class: one.active ? "" : "quiet", "data-webhook": one.id },
    el("td", { class: "breaks" }, one.url),
    el("td", {}, one.kinds.map(kindName).join(t("webhooks.comma"))),
    el("td", {}, one.area || "—"),
    el("td", {}, state(one)),
    el("td", {}, waiting),
    el(
      "td",
      { class: "number" },
      button("look", () => look(one)),
      " ",
      button("ping", () => act("POST", `${path}/ping`)),
      " ",
      button(one.active ? "pause" : "resume", () => act("PATCH", path, { active: !one.active })),
      " ",
      button("remove", () => confirm(t("webhooks.sure", { url: one.url })) && act("DELETE", path)),
    ),
  );
}

function state(one) {
  if (!one.active) return t("webhooks.paused");
  if (!one.error) return t("webhooks.well");
  return el("span", { class: "bad" }, t("webhooks.failing", { n: one.failures, error: worded(one.error) }));
}

function deliveries(webhook, rows, decide, close) {
  const closing = el("button", { type: "button", class: "small", onclick: close }, t("webhooks.close"));
  const title = el("h3", {}, t("webhooks.told", { url: webhook.url }), " ", closing);
  if (!rows.length) return [title, el("p", { class: "empty" }, t("webhooks.nothing_told"))];
  const columns = ["event", "subject", "happened", "attempts", "end"];
  const head = columns.map((column) => el("th", {}, t(`webhooks.${column}`)));
  const body = rows.map((one) => delivery(one, decide));
  const made = el("table", {}, el("thead", {}, el("tr", {}, head, el("th", {}))), el("tbody", {}, body));
  return [title, el("div", { class: "scroll" }, stacking(made))];
}

function delivery(one, decide) {
  const button = (words, deed) =>
    el("button", { type: "button", class: "small", onclick: () => decide(one, deed) }, t(`webhooks.${words}`));
  const failed = one.state === "waiting" && one.error;
  const end = failed
    ? t("webhooks.tried_again", { error: worded(one.error), time: when(one.due_at) })
    : t(`webhooks.${one.state}`);
  return el(
    "tr",
    { "data-state": one.state },
    el("td", {}, kindName(one.event.kind)),
    el("td", {}, one.event.subject),
    el("td", {}, when(one.event.at)),
    el("td", { class: "number" }, one.attempts),
    el("td", { class: failed ? "bad" : "" }, end),
    el(
      "td",
      { class: "number" },
      button("resend", "resend"),
      " ",
      one.state === "waiting" && button("give_up", "give-up"),
    ),
  );
}

function form(act, said) {
  const kinds = KINDS.map((kind) =>
    el(
      "label",
      { class: "tick" },
      el("input", { type: "checkbox", name: "kinds", value: kind, checked: true }),
      el("span", {}, kindName(kind)),
    ),
  );
  const made = el(
    "form",
    { class: "fields", "data-test": "webhook-form" },
    field(t("webhooks.url"), el("input", { name: "url", type: "url", required: true, maxlength: "2000" })),
    field(t("webhooks.area"), el("input", { name: "area", value: config.person.area, maxlength: "40" })),
    el("fieldset", { class: "full row-of-ticks" }, el("legend", {}, t("webhooks.kinds")), kinds),
    el("div", { class: "actions full" }, el("button", { type: "submit", class: "main" }, t("webhooks.add"))),
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(made);
    const sent = { url: given.get("url"), area: given.get("area"), kinds: given.getAll("kinds") };
    const done = await act("POST", PATH, sent);
    if (!done) return;
    made.reset();
    const secret = el("code", { "data-test": "fresh-secret" }, done.secret);
    fill(said, el("p", { class: "message good" }, t("webhooks.added"), el("br"), secret));
  });
  return made;
}

// An error of the service's own is a key of ours; whatever a network or a receiver said is shown as it came.
function worded(error) {
  return error.startsWith("webhook_") ? t(`webhooks.${error}`) : error;
}

function kindName(kind) {
  return t(`webhooks.kind_${kind.replace(".", "_")}`);
}
