// One incident: what is known, what may be done now, why this worker on the map, photos, and what happened so far.
import { mayComeBack, untilThere } from "../again.js";
import { get } from "../api.js";
import { config, t, when } from "../config.js";
import { beginPage, byId, byQuery, el, fill } from "../dom.js";
import { map } from "../map/place.js";
import { callsOf } from "../parts/calls.js";
import { askedOf, knownOf, wayOf } from "../parts/case.js";
import { clockOf, tick } from "../parts/clock.js";
import { DeskMap } from "../parts/desk_map.js";
import { categoriesOf, stateWords, stepBar } from "../parts/incident.js";
import { joinedOf, likelyOf } from "../parts/likely.js";
import { photosOf } from "../parts/photos.js";
import { partsOf } from "../parts/split.js";
import { stepsOf } from "../parts/steps.js";
import { wayTo } from "../parts/way.js";
import { whyOf, whyTitle } from "../parts/why.js";

const address = `/api/v1/incidents/${encodeURIComponent(config.incident)}`;
const REFRESH_MS = 15_000;
const desk = new DeskMap();
let names = new Map();
/** @type {{incident: any, decision: any, way: any} | null} */
let shown = null;

async function open() {
  names = new Map(await categoriesOf());
  const incident = await get(address);
  const around = () => desk.load((incident.current_code ?? incident.area ?? config.person.area).slice(0, 9));
  // The grids around it are a help: what is said of the case does not wait for those that could not be had.
  await around().catch(() => later(around));
  await tell(incident);
  goTo();
}

function later(around) {
  untilThere(around).then(goTo, () => null);
}

async function tell(incident) {
  const decision = incident.decision ? await get(`${address}/decision`).catch(orNone) : null;
  const first = !shown;
  const known = shown && shown.decision?.id === decision?.id ? shown.way : null;
  const mine = { incident, decision, way: known };
  shown = mine;
  const way = wayTo(incident.id, decision, () => shown === mine);
  head(incident);
  const again = async (told) => tell(told ?? (await get(address)));
  fill(byId("facts"), knownOf(incident), askedOf(incident), joinedOf(incident), partsOf(incident), callsOf(incident));
  fill(byId("todo"), stepsOf(incident, again), likelyOf(incident, names, again));
  byId("todo").closest("section").hidden = !incident.may.length;
  byId("why-title").textContent = whyTitle(incident, decision);
  fill(byId("why"), whyOf(incident, decision, way));
  fill(byId("photos"), photosOf(incident, again));
  fill(byId("way"), wayOf(incident));
  desk.set({ chosen: incident, decision, way: known, cases: [incident] });
  way.then((found) => {
    mine.way = found;
    if (shown !== mine) return;
    desk.set({ way: found });
    if (found && first) goTo();
  });
}

// A decision that may not be read is none; one that cannot be had for the moment is asked for again.
const orNone = (problem) => (mayComeBack(problem) ? Promise.reject(problem) : null);

function head(incident) {
  const what = names.get(incident.category) ?? incident.category;
  byId("place").textContent = `${what} · ${incident.id}`;
  document.title = `${what} · ${incident.id}`;
  byId("what").textContent = incident.description ? `${what} · ${incident.description}` : what;
  fill(
    byId("state"),
    el("b", {}, stateWords(incident.state)),
    ` · ${t(`steps.urgency_${incident.urgency}`)} · ${when(incident.reported_at)} `,
    clockOf(incident),
    incident.waiting_text ? el("p", {}, incident.waiting_text) : null,
  );
  fill(byId("bar"), stepBar(incident.state));
}

function goTo() {
  map.invalidateSize({ pan: false });
  if (shown) desk.goTo(shown.incident, shown.decision, shown.way);
}

// Nothing is being typed that a refresh would take away.
const idle = () => !document.hidden && !byQuery(".panel form, .panel .message.bad:not([hidden])");

async function refresh() {
  const incident = await get(address).catch(() => null);
  if (incident && incident.changed_at !== shown?.incident.changed_at) await tell(incident).catch(() => null);
}

byId("print").addEventListener("click", () => window.print());
setInterval(() => shown && idle() && refresh(), REFRESH_MS);
setInterval(() => tick(byId("main")), 1000);
await beginPage(open);
