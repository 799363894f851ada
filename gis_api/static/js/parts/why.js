// Why this worker: everybody who was considered, with the reason in words, and the rule behind it.
import { call } from "../api.js";
import { config, has, number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { wayLine } from "./way.js";

const SHOWN_CANDIDATES = 8;
const SHOWN_REJECTED = 8;
const DESKS = ["dispatcher", "admin"];

const reasonOf = ({ reason, unit }) =>
  unit ? "" : has(`dispatch.${reason}`) ? t(`dispatch.${reason}`) : (reason ?? "");

function seenOf(one) {
  if (one.unit) return "";
  const { position_age_s: age, at_home: home, open_tasks: tasks } = one;
  const seen = age == null ? t("why.no_fix") : age < 90 ? t("why.seconds", { n: age }) : ago(age);
  const onFoot = one.measure === "walking" ? t("why.on_foot") : null;
  return [onFoot, home ? t("why.home") : seen, tasks == null ? null : t("why.tasks", { n: tasks })]
    .filter(Boolean)
    .join(" · ");
}

const ago = (age) => t("why.minutes", { n: number(Math.round(age / 60)) });

// fresh, stale, off: the mood of a worker's dot, here and on the map.
export function moodOf(one, decision) {
  if (one.worker && one.worker === decision.chosen) return "chosen";
  if (decision.rejected.includes(one)) return "off";
  return one.at_home || one.freshness === "stale" ? "stale" : "fresh";
}

function row(one, decision) {
  const mood = moodOf(one, decision);
  const role = has(`roles_in_grid.${one.role}`) ? t(`roles_in_grid.${one.role}`) : null;
  const turned = mood === "off";
  const away = one.distance_m == null ? "—" : `${one.at_home ? "≈ " : ""}${number(Math.round(one.distance_m))} m`;
  return el(
    "tr",
    { class: mood, "data-worker": one.worker ?? "" },
    el("td", {}, el("i", { class: `dot ${mood}`, "aria-hidden": "true" }), one.name || one.worker || ""),
    el("td", {}, turned ? role : [role, reasonOf(one)].filter(Boolean).join(" · ")),
    el("td", { class: "number" }, away),
    el("td", { class: "quiet" }, turned ? reasonOf(one) : seenOf(one)),
  );
}

// At night hundreds are off duty: why those who are at work do not go is told before them.
const byInterest = (one, other) => Number(one.reason === "off_duty") - Number(other.reason === "off_duty");

export function whyTitle(incident, decision) {
  const first = decision?.candidates[0];
  if (!decision) return t("why.none");
  if (first?.unit) return t("why.unit", { name: first.name });
  if (!decision.chosen) return t("why.nobody");
  return t("why.title", { name: decision.candidates.find((one) => one.worker === decision.chosen)?.name ?? "" });
}

// The table, the way, the rule and the button that makes the decision again.
/** @type {(incident: any, decision: any, way?: Promise<any> | null) => any[]} */
export function whyOf(incident, decision, way = null) {
  if (!decision) return [];
  const { candidates, rejected, policy } = decision;
  const hidden = candidates.length + rejected.length - SHOWN_CANDIDATES - SHOWN_REJECTED;
  return [
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        { class: "why", "data-test": "why" },
        el(
          "tbody",
          {},
          candidates.slice(0, SHOWN_CANDIDATES).map((one) => row(one, decision)),
          [...rejected]
            .sort(byInterest)
            .slice(0, SHOWN_REJECTED)
            .map((one) => row(one, decision)),
        ),
      ),
    ),
    hidden > 0 ? el("p", { class: "quiet" }, t("why.more", { n: number(hidden) })) : null,
    way ? wayLine(way) : null,
    has(`why.rule_${policy}`) ? el("p", { class: "quiet" }, t(`why.rule_${policy}`)) : null,
    decision.replayable && DESKS.includes(config.person.role) ? replayed(incident.id) : null,
  ];
}

function replayed(id) {
  const said = el("span", { class: "quiet", role: "status", "data-test": "replayed" });
  const again = async () => {
    try {
      const { data } = await call("POST", `/api/v1/incidents/${encodeURIComponent(id)}/decision/replay`);
      fill(said, data.same ? t("why.same", { hash: data.sha256.slice(0, 12) }) : t("why.differs"));
    } catch (problem) {
      fill(said, problem.message);
    }
  };
  const button = el(
    "button",
    { type: "button", class: "small", "data-test": "replay", onclick: again },
    t("why.replay"),
  );
  return el("div", { class: "actions unprinted" }, button, said);
}
