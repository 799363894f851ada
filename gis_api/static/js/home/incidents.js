// The incidents of the reader's area, newest first, with the bar of their steps.
import { categoriesOf, incidentRow } from "../parts/incident.js";
import { get } from "../api.js";
import { t } from "../config.js";
import { el, fill } from "../dom.js";
import { caseOf } from "./case.js";

export async function show(body) {
  const names = new Map(await categoriesOf());
  const refresh = async () => fill(body, await rows(names));
  document.addEventListener("incident-stored", refresh);
  document.addEventListener("connection-back", refresh);
  await refresh();
}

async function rows(names) {
  const incidents = (await get("/api/v1/incidents?limit=20")).incidents;
  if (!incidents.length) return el("p", { class: "empty" }, t("incidents.none"));
  return el(
    "ul",
    { class: "rows", "data-test": "incidents" },
    incidents.map((incident) => followed(incident, names)),
  );
}

// A row whose details open; a step taken there changes the row and leaves the others alone.
function followed(incident, names) {
  const details = caseOf(incident.id, (after) =>
    shown.replaceChildren(...incidentRow(after, names, details).childNodes),
  );
  const shown = incidentRow(incident, names, details);
  return shown;
}
