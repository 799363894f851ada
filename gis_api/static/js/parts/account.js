// The account menu: a new password of one's own, signing out, and closing the menu by a click elsewhere or Escape.
import { call } from "../api.js";
import { config, t } from "../config.js";
import { byId, byQuery, el, refusalBox } from "../dom.js";
import { ask } from "./dialogs.js";

// What the service decides.
const { shortest_password: SHORTEST_PASSWORD } = config;

byId("sign-out").addEventListener("click", async () => {
  await call("DELETE", "/api/v1/session").catch(() => null);
  await forgetPhone();
  location.assign("/");
});

// What the phone page keeps of the service's answers; what is not sent yet stays, under the name of whoever pressed it.
async function forgetPhone() {
  if ("caches" in window) await caches.delete("wangge-page").catch(() => false);
  indexedDB.deleteDatabase("wangge-answers");
}

/** @type {HTMLDetailsElement} */
const menu = byQuery(".account");
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Node && menu.contains(target))) menu.open = false;
});
menu.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") menu.open = false;
});

/** @type {HTMLElement} */
const changed = byQuery('[data-test="password-said"]');
byId("change-password").addEventListener("click", async () => {
  changed.hidden = true;
  if (!(await changePassword())) return;
  changed.hidden = false;
  menu.open = true;
});

// Asked for until it is taken or left; why it was refused stands above the fields.
async function changePassword() {
  let refusal = null;
  for (;;) {
    const sent = await askPasswords(refusal);
    if (sent == null) return false;
    try {
      await call("PUT", "/api/v1/session/password", { body: sent });
      return true;
    } catch (problem) {
      refusal = problem;
    }
  }
}

function askPasswords(refusal) {
  const field = (name, autocomplete, shortest) =>
    el(
      "label",
      {},
      el("span", {}, t(`frame.password_${name}`)),
      el("input", { type: "password", name, autocomplete, required: true, minlength: shortest, maxlength: 1000 }),
    );
  const differ = el("p", { class: "message bad", role: "alert", hidden: true }, t("frame.password_differs"));
  const valueOf = (form, name) => form.elements[name].value;
  return ask({
    title: t("frame.change_password"),
    body: [
      refusal && refusalBox(refusal),
      field("old", "current-password", 1),
      field("new", "new-password", SHORTEST_PASSWORD),
      field("again", "new-password", SHORTEST_PASSWORD),
      el("p", { class: "quiet" }, t("frame.password_rule", { n: SHORTEST_PASSWORD })),
      differ,
    ].filter(Boolean),
    ready: (form) => {
      const [fresh, again] = [valueOf(form, "new"), valueOf(form, "again")];
      differ.hidden = !again || fresh.startsWith(again) || fresh === again;
      return !!valueOf(form, "old") && fresh.length >= SHORTEST_PASSWORD && fresh === again;
    },
    answer: (form) => ({ old: valueOf(form, "old"), new: valueOf(form, "new") }),
    test: "password-dialog",
  });
}
