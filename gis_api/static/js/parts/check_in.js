// The word of who is on a risky task: until when it is awaited, and of whom nobody has heard.
import { t, when } from "../config.js";
import { el } from "../dom.js";
import { clockOf } from "./clock.js";

const isLate = ({ deadline }) => deadline != null && Date.parse(deadline) <= Date.now();

// How often, and the time that is left; for the worker's own task.
export function checkInOf({ check_in: told }) {
  if (!told?.deadline) return null;
  const late = isLate(told);
  return el(
    "p",
    { class: late ? "bad check-in" : "check-in", "data-test": "check-in", "data-late": String(late) },
    el("span", {}, t(late ? "check_in.missed" : "check_in.every", { minutes: told.minutes })),
    " ",
    clockOf({ due_at: told.deadline, clock: null }),
  );
}

// The same as a fact of a case, for whoever looks at it from elsewhere.
export function checkInWords({ check_in: told }) {
  if (!told) return "";
  const next = told.deadline ? t("check_in.next", { at: when(told.deadline) }) : "";
  return [t("check_in.every_known", { minutes: told.minutes }), next].filter(Boolean).join(" · ");
}

const phoneOf = ({ phone, phone_masked: masked }) => phone ?? masked ?? "";

/**
 * Who was not heard, as the row of a list; `open` gives what leads to the case.
 * @param {any} one
 * @param {(id: string) => any} open
 */
export function silentRow(one, open) {
  const { worker, leader } = one;
  const call = worker.phone
    ? el("a", { class: "button small", href: `tel:${worker.phone}` }, t("check_in.call", { phone: worker.phone }))
    : null;
  return el(
    "li",
    { class: "emergency", "data-silent": one.incident },
    el("b", {}, t("check_in.silent", { name: worker.name, at: when(one.heard_at) })),
    leader ? el("span", {}, t("check_in.leader", { name: leader.name, phone: phoneOf(leader) })) : null,
    el("span", { class: "actions" }, open(one.incident), call),
  );
}
