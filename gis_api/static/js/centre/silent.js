// Who on a risky task was not heard in time, above the queue of the centre.
import { get } from "../api.js";
import { t } from "../config.js";
import { byId, el, fill } from "../dom.js";
import { silentRow } from "../parts/check_in.js";

/** @type {(open: (id: string) => unknown) => Promise<void>} */
export async function showSilent(open) {
  const { check_ins: found } = await get("/api/v1/check-ins?overdue=true");
  const act = (id) =>
    el(
      "button",
      { type: "button", class: "small", "data-test": "silent-open", onclick: () => open(id) },
      t("check_in.open"),
    );
  const box = byId("silent");
  fill(
    box,
    found.map((one) => silentRow(one, act)),
  );
  box.hidden = !found.length;
}
