// The roads on the screen, read from the vector tiles that draw them: nothing is fetched for it. Where pictures are the
// ground those tiles are fetched when the map rests. Segments and junctions lie in a hash of cells for each tile, made
// when the tile arrives and dropped with it.
import { untilThere } from "../again.js";
import { getBytes } from "../api.js";
import { groundLayer, map } from "../map/place.js";
import { layersOf } from "../map/tile.js";
import { fromTiles, intoTiles } from "../map/world.js";

const TILE = 256;
// Cells of the hash, in pixels of the tile's own zoom.
const CELL = 32;
// Farther out a snap would jump by more than a road is wide.
const FROM_ZOOM = 15;
// Tiles that are fetched for snapping alone: no finer than this, and so many are kept.
const FETCHED_ZOOM = 16;
const MOST_TILES = 64;

export class Streets {
  constructor() {
    this.tiles = new Map();
    const ground = groundLayer();
    this.drawn = Boolean(ground?.show);
    this.deepest = this.drawn ? ground.options.maxNativeZoom : FETCHED_ZOOM;
    ground?.on("tileread", ({ coords, layers }) => this.read(coords, layers.roads));
    ground?.on("tileunload", ({ coords }) => this.drawn && this.tiles.delete(keyOf(coords)));
  }

  // See to it that the roads of a world box are here, where nobody draws them.
  around(box) {
    const z = this.zoom;
    if (this.drawn || z < FROM_ZOOM) return;
    const [west, north] = intoTiles(box[0], box[1]);
    const [east, south] = intoTiles(box[2], box[3]);
    const side = TILE / 2 ** z;
    for (let x = Math.floor(west / side); x <= Math.floor(east / side); x += 1) {
      for (let y = Math.floor(north / side); y <= Math.floor(south / side); y += 1) this.fetch({ x, y, z });
    }
  }

  async fetch(coords) {
    const key = keyOf(coords);
    if (this.tiles.has(key)) return;
    this.tiles.set(key, null);
    for (const old of [...this.tiles.keys()].slice(0, Math.max(0, this.tiles.size - MOST_TILES)))
      this.tiles.delete(old);
    const wanted = () => this.tiles.has(key);
    try {
      const bytes = await untilThere(() => getBytes(`/tiles/roads/${key}.mvt`), { wanted });
      if (bytes) this.read(coords, layersOf(bytes).roads);
    } catch {
      this.tiles.delete(key);
    }
  }

  get zoom() {
    return Math.min(Math.round(map.getZoom()), this.deepest);
  }

  read(coords, roads) {
    if (coords.z < FROM_ZOOM || !roads) return;
    const tile = { cells: new Map(), ends: new Map() };
    for (const feature of roads.features)
      for (const line of feature.geometry) this.line(tile, line, roads.extent, feature.properties);
    this.tiles.set(keyOf(coords), tile);
  }

  line(tile, line, extent, { name }) {
    const scale = TILE / extent;
    const points = line.map(({ x, y }) => ({ x: x * scale, y: y * scale }));
    points.forEach((point, i) => {
      const end = i === 0 || i === points.length - 1;
      // Where lines begin, end or cross there is a junction; where the tile cuts them there is none.
      if (within(point)) this.count(tile, point, end ? 1 : 0.6);
      if (i > 0) this.put(tile, { p: points[i - 1], q: point, name });
    });
  }

  count(tile, point, weight) {
    const key = `${point.x},${point.y}`;
    const known = tile.ends.get(key);
    if (!known) tile.ends.set(key, { weight, point });
    else known.weight += weight;
    if ((known?.weight ?? weight) >= 1 && !tile.ends.get(key).put) {
      tile.ends.get(key).put = true;
      this.put(tile, { p: point, q: point, junction: true });
    }
  }

  put(tile, thing) {
    const { p, q } = thing;
    const [west, east] = [Math.min(p.x, q.x), Math.max(p.x, q.x)].map((x) => Math.floor(x / CELL));
    const [north, south] = [Math.min(p.y, q.y), Math.max(p.y, q.y)].map((y) => Math.floor(y / CELL));
    for (let x = west; x <= east; x += 1) {
      for (let y = north; y <= south; y += 1) {
        const key = x * 4096 + y;
        const cell = tile.cells.get(key);
        if (cell) cell.push(thing);
        else tile.cells.set(key, [thing]);
      }
    }
  }

  // The segments and junctions within reach (world units) of a world position, in world units.
  *near(x, y, reach) {
    const z = this.zoom;
    const scale = 2 ** z;
    const [u, v] = intoTiles(x, y);
    for (const key of tilesAt(u, v, reach, z)) {
      const tile = this.tiles.get(key);
      if (!tile) continue;
      const [left, top] = key
        .split("/")
        .slice(1)
        .map((side) => Number(side) * TILE);
      const [px, py] = [u * scale - left, v * scale - top];
      for (const thing of things(tile, px, py, reach * scale)) {
        yield { ...thing, p: world(thing.p, left, top, scale), q: world(thing.q, left, top, scale) };
      }
    }
  }
}

const keyOf = ({ x, y, z }) => `${z}/${x}/${y}`;

function world(point, left, top, scale) {
  const [x, y] = fromTiles((point.x + left) / scale, (point.y + top) / scale);
  return { x, y };
}

const within = ({ x, y }) => x > 0 && y > 0 && x < TILE && y < TILE;

function tilesAt(x, y, reach, z) {
  const side = TILE / 2 ** z;
  const keys = new Set();
  for (const dx of [-reach, reach])
    for (const dy of [-reach, reach]) keys.add(`${z}/${Math.floor((x + dx) / side)}/${Math.floor((y + dy) / side)}`);
  return keys;
}

function things(tile, x, y, reach) {
  const found = new Set();
  for (let i = Math.floor((x - reach) / CELL); i <= Math.floor((x + reach) / CELL); i += 1) {
    for (let j = Math.floor((y - reach) / CELL); j <= Math.floor((y + reach) / CELL); j += 1) {
      for (const thing of tile.cells.get(i * 4096 + j) ?? []) found.add(thing);
    }
  }
  return found;
}
