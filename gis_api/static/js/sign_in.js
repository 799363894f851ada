// The sign-in form: a wrong password is said beside it, a right one goes on to the page that was asked for.
import { byId } from "./dom.js";
import { call } from "./api.js";
import { config, t } from "./config.js";

const form = byId("sign-in");
const refusal = byId("refusal");
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  refusal.hidden = true;
  button.disabled = true;
  button.textContent = t("sign_in.doing");
  const fields = new FormData(form);
  try {
    await call("POST", "/api/v1/session", {
      body: { name: String(fields.get("name")).trim(), password: fields.get("password") },
    });
    location.assign(config.next);
  } catch (problem) {
    refusal.textContent = problem.status === 401 ? t("sign_in.refused") : problem.message;
    refusal.hidden = false;
    button.disabled = false;
    button.textContent = t("sign_in.do");
    form.elements.password.select();
  }
});
