// The home of a role: each card of the page is filled by its own module.
import { againButton, byId, el } from "../dom.js";

const cards = [...document.querySelectorAll("[data-card]")];

// What went wrong stands beside the card's body, which stays: a map in it could not be made twice.
async function open(card) {
  const body = card.querySelector(".body");
  card.querySelector(":scope > .message")?.remove();
  body.hidden = false;
  try {
    const { show } = await import(`./${card.dataset.card}.js`);
    await show(body, card);
  } catch (problem) {
    body.hidden = true;
    card.append(
      el(
        "div",
        { class: "message bad", role: "alert" },
        el("div", {}, problem.message),
        againButton(problem, () => open(card)),
      ),
    );
  }
}

await Promise.all(cards.map(open));
byId("main").dataset.test = "ready";
