// The grids that the signed-in worker serves.
import { config, t } from "../config.js";
import { el, fill } from "../dom.js";
import { shortCode } from "../model/names.js";

export async function show(body) {
  if (!config.grids.length) {
    fill(body, el("p", { class: "empty" }, t("mine.none")));
    return;
  }
  fill(
    body,
    el(
      "ul",
      { class: "rows" },
      config.grids.map((code) =>
        el(
          "li",
          {},
          el(
            "a",
            { href: `/grid/${encodeURIComponent(code)}` },
            shortCode(code),
            " ",
            el("span", { class: "quiet" }, code),
          ),
        ),
      ),
    ),
  );
}
