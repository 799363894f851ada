// Signing out, and closing the account menu by a click elsewhere or Escape.
import { call } from "./api.js";

document.getElementById("sign-out").addEventListener("click", async () => {
  await call("DELETE", "/api/v1/session").catch(() => null);
  location.assign("/");
});

/** @type {HTMLDetailsElement} */
const menu = document.querySelector(".account");
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Node && menu.contains(target))) menu.open = false;
});
menu.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") menu.open = false;
});
