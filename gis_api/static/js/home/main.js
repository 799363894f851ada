// The home of a role: each card of the page is filled by its own module.
import { fill, el } from "../dom.js";
import { t } from "../config.js";

const cards = [...document.querySelectorAll("[data-card]")];

async function open(card) {
  const body = card.querySelector(".body");
  try {
    const { show } = await import(`./${card.dataset.card}.js`);
    await show(body, card);
  } catch (problem) {
    fill(body, el("div", { class: "message bad", role: "alert" }, el("div", {}, problem.message),
      el("button", { type: "button", class: "small", onclick: () => open(card) }, t("frame.try_again"))));
  }
}

await Promise.all(cards.map(open));
document.getElementById("main").dataset.test = "ready";
