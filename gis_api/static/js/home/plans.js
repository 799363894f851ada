// The plans of the reader's districts.
import { t } from "../config.js";
import { el } from "../dom.js";
import { showPlans } from "../parts/plan_list.js";

export async function show(body) {
  body.classList.add("answer");
  const list = el("div", { class: "answer" });
  body.replaceChildren(list, el("a", { href: "/imports", "data-test": "from-file" }, t("plans.from_file")));
  await showPlans(list);
}
