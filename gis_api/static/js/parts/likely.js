// What an incident may be a duplicate of, with the button that joins it; and what was joined to it.
import { untilThere } from "../again.js";
import { call, get } from "../api.js";
import { number, t, when } from "../config.js";
import { el, fill } from "../dom.js";
import { stateWords } from "./incident.js";

const LATER = ["cancelled", "void", "duplicate", "closed"];

// A box that fills itself; empty where nothing is near. `changed` is called with the incident after it was joined.
export function likelyOf(incident, names, changed) {
  const box = el("div", { "data-test": "likely" });
  const wanted = () => box.isConnected;
  if (!LATER.includes(incident.state))
    untilThere(() => load(box, incident, names, changed), { wanted }).catch(() => null);
  return box;
}

async function load(box, incident, names, changed) {
  const { incidents } = await get(`/api/v1/incidents/${encodeURIComponent(incident.id)}/duplicates`);
  if (!incidents.length) return;
  const said = el("p", { class: "message bad", role: "alert", hidden: true });
  const mayJoin = incident.may.some(({ step }) => step === "duplicate");
  const row = (one) =>
    el(
      "li",
      {},
      el("a", { href: `/incidents/${encodeURIComponent(one.id)}` }, names.get(one.category) ?? one.category),
      el("span", { class: "quiet" }, ` ${when(one.reported_at)} · `, nearWords(one)),
      one.description ? el("p", {}, one.description) : null,
      mayJoin ? joinButton(incident, one, said, changed) : null,
    );
  fill(box, el("h3", {}, t("case.likely")), el("ul", { class: "rows" }, incidents.slice(0, 5).map(row)), said);
}

const nearWords = (one) =>
  t("case.near_by", { distance: number(Math.round(one.distance_m)), state: stateWords(one.state) });

function joinButton(incident, other, said, changed) {
  const join = async () => {
    try {
      const body = { step: "duplicate", to: other.id };
      changed((await call("POST", `/api/v1/incidents/${encodeURIComponent(incident.id)}/steps`, { body })).data);
    } catch (problem) {
      said.textContent = problem.message;
      said.hidden = false;
    }
  };
  return el(
    "button",
    { type: "button", class: "small unprinted", "data-test": "join", onclick: join },
    t("case.join_it"),
  );
}

// Whose reports were joined to this one: all of them hear the answer.
export function joinedOf({ joined, joined_to: to }) {
  const link = to ? el("a", { href: `/incidents/${encodeURIComponent(to)}` }, t("case.joined_to", { id: to })) : null;
  if (!joined.length) return link ? el("p", { class: "message" }, link) : null;
  const row = ({ id, reported_at: at, reporter, fed_back_at: told }) => {
    const who = reporter ? [reporter.name, reporter.phone ?? reporter.phone_masked].filter(Boolean).join(" ") : "";
    const words = [when(at), who, t(told ? "case.told_answer" : "case.not_told")].filter(Boolean).join(" · ");
    return el("li", {}, el("a", { href: `/incidents/${encodeURIComponent(id)}` }, id), ` ${words}`);
  };
  return el(
    "div",
    { "data-test": "joined" },
    el("h3", {}, t("case.joined", { n: joined.length })),
    el("ul", { class: "rows" }, joined.map(row)),
  );
}
