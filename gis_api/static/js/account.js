// Signing out, and closing the account menu by a click elsewhere or Escape.
import { call } from "./api.js";

document.getElementById("sign-out").addEventListener("click", async () => {
  await call("DELETE", "/api/v1/session").catch(() => null);
  location.assign("/");
});

const menu = document.querySelector(".account");
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false;
});
menu.addEventListener("keydown", (event) => {
  if (event.key === "Escape") menu.open = false;
});
