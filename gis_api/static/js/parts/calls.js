// Who was called to a case by a run card, what they answered, and what is short.
import { number, t } from "../config.js";
import { el } from "../dom.js";

const roleOf = (role) => t(`roles_in_grid.${role}`);

export function callsOf({ calls }) {
  if (!calls) return null;
  const short = calls.short.map(({ role, people }) => t("calls.missing", { role: roleOf(role), n: number(people) }));
  return el(
    "div",
    { class: "answer", "data-test": "calls" },
    el("h3", {}, t("calls.title", { level: number(calls.level) })),
    calls.helpers.length ? el("ul", { class: "rows" }, calls.helpers.map(helper)) : null,
    short.length ? el("p", { class: "bad", "data-test": "calls-short" }, short.join("；")) : null,
  );
}

function helper({ worker, name, role, level, state, distance_m: away, phone, phone_masked: masked }) {
  const words = [
    [name, worker].join(" "),
    roleOf(role),
    t("calls.level", { level: number(level) }),
    away == null ? null : t("calls.away", { metres: number(Math.round(away)) }),
    phone ?? masked,
  ];
  return el("li", { "data-called": worker }, el("b", {}, t(`calls.${state}`)), " ", words.filter(Boolean).join(" · "));
}
