// A district has 100,000 vertices, and hardly any is ever asked who runs through it: that is made when it is needed.
export class Point {
  /** @type {Set<string> | null} */
  known = null;

  // `first` holds the owners of all vertices as they were loaded (tiling.js), nothing for a vertex of later.
  /**
   * @param {number} id @param {number} lon @param {number} lat @param {number} x @param {number} y
   * @param {{start: Uint32Array, rows: Uint32Array, codes: string[]} | null} [first]
   */
  constructor(id, lon, lat, x, y, first = null) {
    this.id = id;
    this.lon = lon;
    this.lat = lat;
    this.x = x;
    this.y = y;
    this.first = first;
  }

  // The codes of the grids that run through this vertex.
  get owners() {
    if (!this.known) {
      this.known = new Set();
      if (this.first) {
        const { start, rows, codes } = this.first;
        for (let i = start[this.id]; i < start[this.id + 1]; i += 1) this.known.add(codes[rows[i]]);
      }
    }
    return this.known;
  }
}

// From "lon,lat" to the number of the vertex there. The vertices of a packed plan come in the order of their positions,
// so they are searched and need no table; those of later edits stand in one.
export class Places {
  constructor(points) {
    this.points = points;
    this.loaded = 0;
    this.later = new Map();
  }

  // The vertices that are there already are found by their positions.
  adopt() {
    this.loaded = this.points.length;
  }

  // Vertices of an overlay stand apart, under keys with its code and a colon.
  get(key) {
    const found = this.later.get(key);
    if (found !== undefined || !this.loaded || key.includes(":")) return found;
    const [lon, lat] = key.split(",").map(Number);
    let low = 0;
    let high = this.loaded - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const point = this.points[middle];
      if (point.lon < lon || (point.lon === lon && point.lat < lat)) low = middle + 1;
      else high = middle;
    }
    const point = this.points[low];
    return point.lon === lon && point.lat === lat ? low : undefined;
  }

  set(key, id) {
    this.later.set(key, id);
  }
}
