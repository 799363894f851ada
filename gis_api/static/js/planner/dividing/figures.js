// Proposals beside each other as rows of figures: what each is, which is best, and what today's grids are.

/** @typedef {"less" | "more" | null} Better */

// Of each figure whether more or less of it is better; null: neither.
/** @type {[string, Better][]} */
const ROWS = [
  ["grids", null],
  ["range", null],
  ["cv", "less"],
  ["in_tolerance", "more"],
  ["compactness", "more"],
  ["along_lines", "more"],
  ["buildings_cut", "less"],
  ["moved", "less"],
  ["busiest", "less"],
  ["work_cv", "less"],
  ["median_m", "less"],
];
// Told only where there are some.
const RARE = ["oversize", "dedicated", "cut_off", "stairwell_cuts"];

const valuesOf = ({ figures, forecast }) => ({
  ...figures,
  range: figures.smallest == null ? null : [figures.smallest, figures.largest],
  busiest: forecast?.incidents ? forecast.largest : null,
  work_cv: forecast?.cv ?? null,
  median_m: forecast?.median_m ?? null,
});

// [{name, today, values, best}]: values by proposal, best the numbers of those that are better than others.
export function rowsOf(proposals, today) {
  const held = proposals.map(valuesOf);
  const now = today ? valuesOf({ figures: today.figures ?? {}, forecast: today }) : {};
  /** @type {[string, Better][]} */
  const rare = RARE.filter((name) => held.some((one) => one[name] > 0)).map((name) => [name, null]);
  return [...ROWS, ...rare]
    .map(([name, better]) => {
      const values = held.map((one) => one[name] ?? null);
      return { name, values, today: now[name] ?? null, best: better ? bestOf(values, better) : [] };
    })
    .filter(({ values, today: was }) => was != null || values.some((value) => value != null));
}

// Nothing is best where all are alike.
function bestOf(values, better) {
  const known = values.filter((value) => value != null);
  if (known.length < 2 || known.every((value) => value === known[0])) return [];
  const best = better === "less" ? Math.min(...known) : Math.max(...known);
  return values.flatMap((value, i) => (value === best ? [i] : []));
}

// Whether the households are no counts.
export const isEstimated = (remarks) => remarks.some(({ code }) => code === "estimated" || code === "no_weights");

const ABOUT_ALL = new Set(["stopped", "no_roads", "no_weights", "estimated"]);

// Remarks about the whole ground, each kind once, and for each proposal its own.
export function sortedRemarks(proposals) {
  const common = new Map();
  for (const { remarks } of proposals)
    for (const remark of remarks) if (ABOUT_ALL.has(remark.code)) common.set(remark.code, remark);
  return {
    common: [...common.values()],
    own: proposals.map(({ remarks }) => remarks.filter(({ code }) => !ABOUT_ALL.has(code))),
  };
}

// Whether all proposals draw the same grids: some ground has only one good division.
export function areAlike(proposals) {
  const drawn = proposals.map(({ grids }) => JSON.stringify(grids.features.map(({ geometry }) => geometry)));
  return drawn.length > 1 && drawn.every((one) => one === drawn[0]);
}
