// For whoever leads a grid: who there is on a risky task and was not heard in time.
import { config, t } from "../config.js";
import { el, fill } from "../dom.js";
import { silentRow } from "../parts/check_in.js";
import { getOrKept } from "../parts/kept_answers.js";

/** @type {(box: HTMLElement) => Promise<void>} */
export async function showSilent(box) {
  const { data } = await getOrKept("/api/v1/check-ins?overdue=true");
  const others = data.check_ins.filter(({ worker }) => worker.worker !== config.worker);
  const open = (id) => el("a", { class: "button", href: `/incidents/${encodeURIComponent(id)}` }, t("check_in.open"));
  fill(
    box,
    others.length
      ? el(
          "ul",
          { class: "rows" },
          others.map((one) => silentRow(one, open)),
        )
      : null,
  );
  box.hidden = !others.length;
}
