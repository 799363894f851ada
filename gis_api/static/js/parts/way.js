// The way on foot to who was chosen, in words; the map draws it. It is a help: what is said of a case does not wait
// for it.
import { untilThere } from "../again.js";
import { get } from "../api.js";
import { number, t } from "../config.js";
import { el, fill } from "../dom.js";

/**
 * The way of a decision, asked for until it is there; null where there is none to be told: nobody goes, this reader is
 * told no places, or nobody wants it any more.
 * @type {(id: string, decision: any, wanted: () => boolean) => Promise<any>}
 */
export async function wayTo(id, decision, wanted) {
  const one = decision?.candidates.find(({ worker }) => worker && worker === decision.chosen);
  if (!one?.position) return null;
  const asked = `/api/v1/incidents/${encodeURIComponent(id)}/decision/way?decision=${encodeURIComponent(decision.id)}`;
  return untilThere(() => get(asked), { wanted }).catch(() => null);
}

const metres = (value) => number(Math.round(value));

// How long the way is and over what, once it is known; a straight line that stands in says why.
/** @type {(way: Promise<any>) => any} */
export function wayLine(way) {
  const line = el("p", { class: "quiet", "data-test": "way-told", hidden: true });
  way.then((found) => {
    if (!found) return;
    line.hidden = false;
    line.dataset.kind = found.kind;
    fill(line, wordsOf(found));
  });
  return line;
}

function wordsOf({ kind, length_m: length, straight_m: straight, offsets_m: aside }) {
  const told = [t(`why.way_${kind}`, { m: metres(length), straight: metres(straight) })];
  if (kind === "roads") told.push(t("why.way_aside", { place: metres(aside.place), worker: metres(aside.worker) }));
  return told.join(" ");
}
