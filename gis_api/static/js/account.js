// Signing out, and closing the account menu by a click elsewhere or Escape.
import { call } from "./api.js";
import { byId, byQuery } from "./dom.js";

byId("sign-out").addEventListener("click", async () => {
  await call("DELETE", "/api/v1/session").catch(() => null);
  location.assign("/");
});

/** @type {HTMLDetailsElement} */
const menu = byQuery(".account");
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Node && menu.contains(target))) menu.open = false;
});
menu.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") menu.open = false;
});
