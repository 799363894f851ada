// Sentences of the editor about grids and refusals, and the building that a problem is about.
import { get } from "../api.js";
import { config, t } from "../config.js";
import { boxOf } from "../map/world.js";
import { shortCode } from "../model/names.js";

export function shapeName(shape) {
  const { name } = shape.properties;
  return name && name !== shape.code ? `${shortCode(shape.code)} ${name}` : shortCode(shape.code);
}

// Why something cannot be done, in the words with which the service would refuse it (obstacles.js gives the code).
export const impossible = (code) => t("planner.impossible", { reason: config.refusals[code] });

const A_METRE = 0.00001;

// The outline of the building that a border cuts: a problem tells its id and a place in it.
export async function buildingOf({ detail, where }) {
  const [west, south, east, north] = boxOf([where]);
  const around = [west - A_METRE, south - A_METRE, east + A_METRE, north + A_METRE];
  const { features } = await get(`/api/v1/buildings?bbox=${around.join()}&limit=50`);
  const found = features.find(({ id, properties }) => String(id ?? properties.id) === detail);
  if (!found) throw new Error(t("planner.no_building"));
  return found.geometry;
}
