// Dialogs of a plan's life: what is asked before it is submitted, returned, published, put aside.
import { number, t, has } from "../config.js";
import { el, fill, refusalBox } from "../dom.js";

// A dialog around some elements: resolves with what `answer` reads from the form, null when it was left. With `send` it
// stays until that was done: what is refused is said in it, and what was typed stays.
/**
 * @param {{title: string, body: any, confirm?: string, answer?: (form: any) => any, ready?: ((form: any) => boolean) |
 *   null, send?: ((given: any) => Promise<any>) | null, test?: string}} about
 * @returns {Promise<any>}
 */
export function ask(about) {
  const {
    title,
    body,
    confirm = t("frame.confirm"),
    answer = () => true,
    ready = null,
    send = null,
    test = "dialog",
  } = about;
  const yes = el("button", { class: "main", value: "yes" }, confirm);
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", {}, title),
    body,
    el("div", { class: "actions" }, yes, el("button", { value: "no", formnovalidate: true }, t("frame.cancel"))),
  );
  const look = () => (yes.disabled = ready ? !ready(form) : false);
  form.addEventListener("input", look);
  look();
  const dialog = el("dialog", { "data-test": test, "aria-label": title }, form);
  if (send) sendFrom(form, { dialog, yes, look, send: () => send(answer(form)) });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "yes" ? answer(form) : null;
      dialog.remove();
      resolve(given);
    });
  });
}

function sendFrom(form, { dialog, yes, look, send }) {
  const refused = el("div");
  form.querySelector(".actions:last-child").before(refused);
  form.addEventListener("submit", async (event) => {
    if (event.submitter !== yes) return;
    event.preventDefault();
    fill(refused);
    yes.disabled = true;
    try {
      await send();
      dialog.close("yes");
    } catch (problem) {
      fill(refused, refusalBox(problem));
    }
    look();
  });
}

const kindName = (kind) => (has(`defects.${kind}`) ? t(`defects.${kind}`) : kind);

// Warnings by kind with their numbers; each must be ticked before the plan can be submitted.
export function askSubmission({ report, unserved = [] }) {
  const counts = new Map();
  for (const { severity, kind } of report?.defects ?? [])
    if (severity === "warning") counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (unserved.length) counts.set("unserved_grid", unserved.length);
  const ticks = [...counts].map(([kind, n]) =>
    el(
      "li",
      {},
      el(
        "label",
        { class: "tick" },
        el("input", { type: "checkbox", name: kind }),
        el("span", {}, t("planner.warning_n", { kind: kindName(kind), n: number(n) })),
      ),
    ),
  );
  const all = (form) => [...form.querySelectorAll("input[type=checkbox]")];
  return ask({
    title: t("planner.submit"),
    body: [
      el("p", {}, ticks.length ? t("plan.submit_warnings") : t("planner.submit_clean")),
      ticks.length ? el("ul", { class: "ticks", "data-test": "warnings" }, ticks) : null,
    ].filter(Boolean),
    ready: (form) => all(form).every((box) => box.checked),
    answer: (form) => all(form).map((box) => box.name),
  });
}

export function askReason() {
  const field = el("textarea", { name: "answer", required: true, maxlength: "4000", rows: "3" });
  return ask({
    title: t("planner.return"),
    body: [el("p", {}, t("planner.return_text")), el("label", {}, el("span", {}, t("planner.reason")), field)],
    ready: () => field.value.trim().length > 0,
    answer: () => field.value.trim(),
  });
}

const two = (value) => String(value).padStart(2, "0");

// A moment as an input of the calendar takes it: the local time, to the minute.
function local(moment) {
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

// Now, or at a moment to come: resolves with {effective_at}.
export function askPublication() {
  const tomorrow = new Date(Date.now() + 86_400_000);
  tomorrow.setHours(0, 0, 0, 0);
  const at = el("input", {
    type: "datetime-local",
    name: "at",
    min: local(new Date()),
    value: local(tomorrow),
    disabled: true,
    "data-test": "publish-at",
  });
  const past = el("p", { class: "message bad", role: "alert", hidden: true }, t("plan.in_the_past"));
  const choice = (value, words, checked) =>
    el("label", { class: "tick" }, el("input", { type: "radio", name: "when", value, checked }), el("span", {}, words));
  const later = (form) => form.querySelector("input[name=when]:checked")?.value === "later";
  return ask({
    title: t("planner.publish"),
    body: [
      el("p", {}, t("plan.publish_text")),
      choice("now", t("plan.publish_now"), true),
      choice("later", t("plan.publish_later"), false),
      at,
      past,
    ],
    confirm: t("planner.publish"),
    ready: (form) => {
      at.disabled = !later(form);
      const wrong = later(form) && !(new Date(at.value) > new Date());
      past.hidden = !wrong;
      return !wrong;
    },
    answer: (form) => ({ effective_at: later(form) ? new Date(at.value).toISOString() : null }),
  });
}

export function askPlainly(title, text) {
  return ask({ title, body: el("p", {}, text) });
}
