// What may be asked of a division: the areas of a plan by level, and the request that a filled form makes.

export const LEVELS = ["community", "subdistrict", "district", "grid"];
export const PROFILES = ["balanced", "even", "streets"];
// What one household that changes hands costs where little is to change: as much as it is off the target.
const LEAST_CHANGE = 1;
// A planner waits for a community over a cup of tea, for a district over lunch; three proposals share the time.
const SECONDS = { grid: 30, community: 45, subdistrict: 120, district: 300 };
// Beside the households: what a year of work, or somebody who lives alone, weighs as much as all households together.
export const WEIGHTS = {
  households: { households: 1 },
  incidents: { households: 1, incidents: 1 },
  lone_elders: { households: 1, lone_elders: 1 },
};

// The areas of one level, as [code, name], sorted by code. `plan` is {district, district_name, areas}; `grids` are the
// properties of its grids.
export function areasOf(level, { plan, grids }) {
  if (level === "district") return [[plan.district, plan.district_name ?? ""]];
  if (level === "grid") return sorted(grids.map(({ code, name }) => [code, name === code ? "" : name]));
  const communities = new Set(grids.map(({ parent }) => parent).filter((code) => code && code !== plan.district));
  if (level === "community") return sorted([...communities].map((code) => [code, plan.areas?.[code] ?? ""]));
  const above = Object.entries(plan.areas ?? {}).filter(
    ([code]) =>
      !communities.has(code) && code !== plan.district && [...communities].some((one) => one.startsWith(code)),
  );
  return sorted(above.map(([code, name]) => [code, name]));
}

const sorted = (areas) => areas.sort(([one], [other]) => (one < other ? -1 : 1));

// The area of a level that a grid lies in; null where there is none.
export function areaAround(grid, level, about) {
  if (level === "grid") return grid.code;
  if (level === "district") return about.plan.district;
  const known = areasOf(level, about).map(([code]) => code);
  if (level === "community") return known.find((code) => code === grid.parent) ?? null;
  return known.find((code) => grid.parent?.startsWith(code)) ?? null;
}

// The grids that lie in an area of a level.
export const gridsIn = (area, level, about) =>
  area ? about.grids.filter((grid) => areaAround(grid, level, about) === area) : [];

// What stays whatever is asked for.
export const stays = ({ locked, kind }) => locked || kind === "dedicated";

// The codes that shall stay and may be named: those of the area that would not stay anyway.
export const keptOf = (keep, grids) => keep.filter((code) => grids.some((grid) => grid.code === code && !stays(grid)));

// What is wrong with a form, as the end of a text's key; null where it can be sent.
export function wrongIn({ area, size, households, count, twoLevels, subHouseholds }) {
  if (!area) return "no_area";
  if (size === "households" && !(households > 0)) return "no_households";
  if (size === "count" && !(Number.isInteger(count) && count >= 1 && count <= 20_000)) return "no_count";
  if (!twoLevels) return null;
  if (!(subHouseholds > 0)) return "no_sub_households";
  return size === "households" && subHouseholds >= households ? "sub_too_large" : null;
}

// The request of a form that nothing is wrong with.
export function bodyOf(form) {
  const { area, level, size, households, count, tolerance, start, streetsOnly, stairwells, twoLevels } = form;
  return {
    area,
    level: level === "grid" ? "sub_grid" : "grid",
    ...(size === "count" ? { count } : { households }),
    tolerance,
    keep: level === "grid" ? [] : form.keep,
    profiles: PROFILES,
    ...(start === "least" ? { least_change: LEAST_CHANGE } : {}),
    streets_only: streetsOnly,
    cut_stairwells: stairwells,
    ...(twoLevels && level !== "grid" ? { sub_households: form.subHouseholds } : {}),
    weights: WEIGHTS[form.weights],
    seconds: SECONDS[level] * (form.longer ? 2 : 1),
  };
}
