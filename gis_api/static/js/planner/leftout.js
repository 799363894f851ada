// How a draft stands to the latest plan: that it must be put onto it, and what a rebase left out, until it is ticked
// off.
import { call } from "../api.js";
import { number, t } from "../config.js";
import { el, fill } from "../dom.js";
import { boxOf } from "../map/world.js";
import { show } from "../map/place.js";

// A draft that stands on an old plan: told while it is drawn, not only where it cannot be published.
export function showOutdated(box, plan) {
  box.hidden = !plan.outdated;
  if (!plan.outdated) return;
  const n = plan.outdated.plan_version;
  const draft = plan.state === "draft";
  fill(
    box,
    el("div", {}, t(draft ? "plan.base_outdated" : "plan.base_outdated_submitted", { n })),
    draft ? el("a", { class: "button small", href: `/plans/${plan.id}/rebase` }, t("plan.rebase")) : null,
  );
}

export function showLeftOut(box, store, editor) {
  const left = store.plan.to_redo ?? {};
  const codes = Object.keys(left);
  box.hidden = !codes.length;
  if (!codes.length) return;
  const shapes = Object.values(left)
    .map((one) => one.geometry)
    .filter(Boolean);
  fill(
    box,
    el(
      "div",
      {},
      t("plan.to_redo", { n: number(codes.length) }),
      el(
        "div",
        { class: "actions" },
        shapes.length
          ? el(
              "button",
              { type: "button", class: "small", onclick: () => show(boxOf(shapes), { padding: [60, 60] }) },
              t("plan.show_left"),
            )
          : null,
        el(
          "button",
          { type: "button", class: "small", "data-test": "redone", onclick: () => tick(box, store, editor, codes) },
          t("plan.redone"),
        ),
      ),
    ),
  );
}

async function tick(box, store, editor, codes) {
  const { data } = await call("POST", `${store.path}/redone`, { body: { codes }, version: store.version });
  store.plan.to_redo = data.to_redo;
  showLeftOut(box, store, editor);
  editor.base.redraw();
}
