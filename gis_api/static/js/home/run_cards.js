// Run cards: who is called beside whoever is sent. A card a row; the whole list is stored as a new version.
import { call } from "../api.js";
import { t, when } from "../config.js";
import { el, fill, refusalBox } from "../dom.js";
import { categoriesOf } from "../parts/incident.js";
import { field, select } from "../parts/where.js";

const ADDRESS = "/api/v1/settings/run-cards";
const URGENCIES = ["critical", "high", "normal", "low"];
const ROLES = ["grid_worker", "grid_leader", "building_leader", "patrol_team", "service_team"];
const MOST_LEVELS = 5;

export async function show(body) {
  const [{ data, version }, categories] = await Promise.all([call("GET", ADDRESS), categoriesOf("incident")]);
  draw({ body, cards: data.cards, entered: data, version, names: new Map(categories) });
}

function draw(desk) {
  const { body, cards, entered } = desk;
  const said = el("p", { role: "status", "data-test": "run-cards-said" });
  const keep = (changed) => store(desk, changed, said);
  fill(
    body,
    el("p", { class: "quiet" }, t("run_cards.lead")),
    entered.version ? el("p", { class: "quiet" }, t("run_cards.entered", { ...entered, at: when(entered.at) })) : null,
    cards.length
      ? el(
          "ul",
          { class: "rows", "data-test": "run-cards" },
          cards.map((card, at) => row(card, desk.names, () => keep(cards.filter((_, other) => other !== at)))),
        )
      : el("p", { class: "empty" }, t("run_cards.none")),
    adding(desk, (card) => keep([...cards, card])),
    said,
  );
}

async function store(desk, cards, said) {
  try {
    const { data, version } = await call("PUT", ADDRESS, { body: { cards }, version: desk.version });
    draw({ ...desk, cards: data.cards, entered: data, version });
  } catch (problem) {
    fill(said, refusalBox(problem));
  }
}

function row(card, names, drop) {
  const hours = card.since ? `${card.since}–${card.until}` : null;
  const about = [
    card.category ? (names.get(card.category) ?? card.category) : t("run_cards.every_category"),
    card.urgency ? t(`steps.urgency_${card.urgency}`) : null,
    hours,
  ];
  const words = (level) => level.map(({ role, people }) => `${t(`roles_in_grid.${role}`)} ${people}`).join("，");
  const remove = { type: "button", class: "small", onclick: drop, "data-test": "run-card-drop" };
  return el(
    "li",
    {},
    el("header", {}, el("b", {}, about.filter(Boolean).join(" · ")), el("button", remove, t("run_cards.drop"))),
    el(
      "ol",
      { class: "levels" },
      card.levels.map((level) => el("li", {}, words(level))),
    ),
  );
}

// A level is a row of numbers by role; one more appears when it is asked for.
function adding({ names }, add) {
  const levels = el("div", { class: "answer" });
  const more = el(
    "button",
    { type: "button", class: "small", onclick: () => addLevel(levels, more), "data-test": "run-card-level" },
    t("run_cards.add_level"),
  );
  addLevel(levels, more);
  const hour = (name) => field(t(`run_cards.${name}`), el("input", { type: "time", name }));
  const form = el(
    "form",
    { class: "answer", "data-test": "run-card-form" },
    el("h3", {}, t("run_cards.add")),
    el(
      "div",
      { class: "fields" },
      field(t("report.category"), select("category", [["", t("run_cards.every_category")], ...names], "")),
      field(
        t("run_cards.urgency"),
        select("urgency", [["", "—"], ...URGENCIES.map((one) => [one, t(`steps.urgency_${one}`)])], ""),
      ),
      hour("since"),
      hour("until"),
    ),
    levels,
    el("div", { class: "actions" }, more, el("button", { type: "submit", class: "main" }, t("run_cards.store"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add(sentOf(form, levels));
  });
  return form;
}

function addLevel(levels, more) {
  const at = levels.children.length + 1;
  const people = (role) =>
    field(t(`roles_in_grid.${role}`), el("input", { type: "number", min: "0", max: "50", value: "0", name: role }));
  levels.append(
    el(
      "fieldset",
      { class: "fields", "data-level": String(at) },
      el("legend", {}, t("run_cards.level", { n: at })),
      ROLES.map(people),
    ),
  );
  more.disabled = at >= MOST_LEVELS;
}

function sentOf(form, levels) {
  const about = ["category", "urgency", "since", "until"].map((name) => [name, form.elements[name].value]);
  const wanted = (box) =>
    [...box.querySelectorAll("input")]
      .map(({ name, value }) => ({ role: name, people: Number(value) }))
      .filter(({ people }) => people > 0);
  const called = [...levels.children].map(wanted);
  return { ...Object.fromEntries(about.filter(([, value]) => value)), levels: called };
}
