// What a grid is called where there is no room for its code: the shortest end of the code that names one grid in its
// plan, never less than community and sequence. The service has the same rule (layers/planning/state/short_codes.py);
// both are held to tests/fixtures/short_codes.json.

// The ends of a code that may name it, shortest first; the last one is the code itself or all that differs in a
// district.
export function endsOf(code) {
  const [, subdistrict, community, rest] = /^\d{6}(\d{3})(\d{3})(\d{3}(?:\d{2})?)$/.exec(code) ?? [];
  if (!rest) return [code.replace(/^\d{6}-/, "")];
  const sequence = rest.length > 3 ? `${rest.slice(0, 3)}-${rest.slice(3)}` : rest;
  return [`${community}-${sequence}`, `${subdistrict}-${community}-${sequence}`];
}

// The codes of a plan, kept up as they come and go.
export class ShortCodes {
  constructor() {
    this.codes = new Set();
    this.ends = new Map();
  }

  add(code) {
    if (this.codes.has(code)) return;
    this.codes.add(code);
    for (const end of endsOf(code)) this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
  }

  drop(code) {
    if (!this.codes.delete(code)) return;
    for (const end of endsOf(code)) this.ends.set(end, this.ends.get(end) - 1);
  }

  // A code that is not in the plan (any more) goes by the long end: nobody knows which others are gone.
  of(code) {
    const ends = endsOf(code);
    return (this.codes.has(code) ? ends.find((end) => this.ends.get(end) === 1) : ends.at(-1)) ?? code;
  }
}

// The page's plan; a page that knows only a part of one names grids by the long end.
/** @type {{tiling: {names: ShortCodes}, communityOf: (code: string) => string | null}} */
let plan = { tiling: { names: new ShortCodes() }, communityOf: () => null };

export function nameAfter(tiling, communityOf) {
  plan = { tiling, communityOf };
}

export const shortCode = (code) => plan.tiling.names.of(code);

// The name of the community of a grid or sub-grid, where the page knows it: it stands beside a short code in lists.
export const communityName = (code) => plan.communityOf(code);

// The communities of some grids, each once.
export const communityNames = (codes) => [...new Set(codes.map(communityName).filter(Boolean))];
