// The way on foot to who was chosen, in words; the map draws it.
import { get } from "../api.js";
import { number, t } from "../config.js";
import { el } from "../dom.js";

/**
 * The way of a decision, null where there is none to be told: nobody goes, or this reader is told no places.
 * @type {(id: string, decision: any) => Promise<any>}
 */
export async function wayTo(id, decision) {
  const one = decision?.candidates.find(({ worker }) => worker && worker === decision.chosen);
  if (!one?.position) return null;
  const asked = `/api/v1/incidents/${encodeURIComponent(id)}/decision/way?decision=${encodeURIComponent(decision.id)}`;
  return get(asked).catch(() => null);
}

const metres = (value) => number(Math.round(value));

// How long the way is and over what; a straight line that stands in says why.
export function wayWords(way) {
  if (!way) return null;
  const { kind, length_m: length, straight_m: straight, offsets_m: aside } = way;
  const told = [t(`why.way_${kind}`, { m: metres(length), straight: metres(straight) })];
  if (kind === "roads") told.push(t("why.way_aside", { place: metres(aside.place), worker: metres(aside.worker) }));
  return el("p", { class: "quiet", "data-test": "way-told", "data-kind": kind }, told.join(" "));
}
