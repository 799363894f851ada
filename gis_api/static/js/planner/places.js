// A district has 100,000 vertices, and hardly any is ever asked who runs through it or looked up by its position: both
// are made when they are needed.
export class Point {
  // `first` holds the owners of all vertices as they were loaded (tiling.js), nothing for a vertex of later.
  constructor(id, lon, lat, x, y, first = null) {
    this.id = id;
    this.lon = lon;
    this.lat = lat;
    this.x = x;
    this.y = y;
    this.first = first;
    this.known = null;
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

// From "lon,lat" to the number of the vertex there.
export class Places {
  constructor(points) {
    this.points = points;
    this.loaded = 0;
    this.known = null;
    this.later = new Map();
  }

  // The vertices that are there already are found by their positions.
  adopt() {
    this.loaded = this.points.length;
    this.known = null;
  }

  // Look all of them up now: in a moment when nobody waits.
  prepare() {
    if (this.known) return;
    this.known = new Map();
    for (let id = 0; id < this.loaded; id += 1) this.known.set(`${this.points[id].lon},${this.points[id].lat}`, id);
  }

  // Vertices of an overlay stand apart, under keys with its code and a colon.
  get(key) {
    const found = this.later.get(key);
    if (found !== undefined || !this.loaded || key.includes(":")) return found;
    this.prepare();
    return this.known.get(key);
  }

  set(key, id) {
    this.later.set(key, id);
  }
}
