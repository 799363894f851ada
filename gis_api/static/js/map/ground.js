// The ground: folium declared the layers of vector tiles, here they are drawn together, one canvas per tile, so that
// all road casings lie under all roads and buildings on top.
import { getBytes } from "../api.js";
import { config } from "../config.js";
import { colour } from "./colours.js";
import { layersOf } from "./tile.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

const WIDTH_M = {
  motorway: 22,
  trunk: 18,
  primary: 16,
  secondary: 13,
  tertiary: 10,
  residential: 7,
  service: 4.5,
  footway: 2.5,
  path: 2,
  lane: 4.5,
  village: 4,
};
const metresPerPixel = (zoom) => (156543 * Math.cos((39 * Math.PI) / 180)) / 2 ** zoom;

function roadWidth(properties, zoom) {
  const metres = WIDTH_M[properties.road_class] || 7;
  const pixels = metres / metresPerPixel(zoom);
  if (pixels < 0.35) return 0;
  return Math.max(pixels, 0.8);
}

const stroke = (name, weight) => ({
  stroke: true,
  fill: false,
  color: colour(name),
  weight,
  opacity: 1,
  lineCap: "round",
  lineJoin: "round",
});
const area = (name, edge) => ({
  stroke: Boolean(edge),
  color: edge ? colour(edge) : "",
  weight: 0.6,
  opacity: 0.9,
  fill: true,
  fillColor: colour(name),
  fillOpacity: 1,
});
const HIDDEN = [];

function styles() {
  return {
    parks: area("park"),
    water: (properties) => (properties.kind === "line" ? stroke("water", 3) : area("water")),
    casings: (properties, zoom) => (zoom < 14 ? HIDDEN : stroke("road-casing", roadWidth(properties, zoom) + 2)),
    roads: (properties, zoom) => {
      const width = roadWidth(properties, zoom);
      return width ? stroke(zoom < 14 ? "road-casing" : "road", width) : HIDDEN;
    },
    buildings: area("building", "road-casing"),
  };
}

// A canvas as sharp as the screen: VectorGrid's own is one pixel per CSS pixel.
function canvasOf(coords, size, options) {
  const tile = L.canvas.tile(coords, size, options);
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  if (ratio > 1) {
    const canvas = tile.getContainer();
    canvas.width = size.x * ratio;
    canvas.height = size.y * ratio;
    canvas.style.width = `${size.x}px`;
    canvas.style.height = `${size.y}px`;
    canvas.getContext("2d").scale(ratio, ratio);
  }
  return tile;
}

// Made when it is needed: beside a tile server's pictures the plugin of vector tiles is not on the page.
const vectorGround = () =>
  L.VectorGrid.extend({
    options: {
      vectorTileLayerStyles: styles(),
      rendererFactory: canvasOf,
      minZoom: 10,
      maxNativeZoom: 19,
      maxZoom: 20,
      updateWhenZooming: false,
    },

    // The tile is asked for until it is there; meanwhile it is hatched, for nothing there and nothing known are not the
    // same. Null where nobody waits for it any more.
    async _getVectorTilePromise(coords) {
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        try {
          const layers = await this._read(coords);
          this._clear(coords);
          // Whoever snaps to the ground reads what is on the screen from here.
          this.fire("tileread", { coords, layers });
          return { layers };
        } catch {
          if (!this._hatch(coords)) return { layers: {} };
          await again(pause);
        }
      }
    },

    // What is drawn of a tile, in drawing order: casings are the roads once more, below them.
    async _read(coords) {
      const wanted = Object.entries(this._sources).filter(([, source]) => coords.z >= source.options.minZoom);
      const tiles = await Promise.all(wanted.map(([, source]) => readTile(L.Util.template(source._url, coords))));
      const found = Object.assign({}, ...tiles);
      const layers = {};
      for (const name of ["parks", "water", "casings", "roads", "buildings"]) {
        const layer = found[name === "casings" ? "roads" : name];
        if (layer) layers[name] = layer;
      }
      return layers;
    },

    _hatch(coords) {
      const tile = this._tiles[this._tileCoordsToKey(coords)];
      if (!tile || !this._map) return false;
      tile.el.classList.add("unknown");
      // To the map the tile is there, so that it is shown.
      if (!tile.loaded) this._tileReady(coords, null, tile.el);
      return true;
    },

    _clear(coords) {
      this._tiles[this._tileCoordsToKey(coords)]?.el.classList.remove("unknown");
    },
  });

async function readTile(address) {
  const bytes = await getBytes(address);
  return bytes.byteLength ? layersOf(bytes) : {};
}

// Ask again after a pause, at once when the connection is back.
const again = (pause) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("connection-back", done);
      resolve();
    };
    const timer = setTimeout(done, pause);
    document.addEventListener("connection-back", done);
  });

// Pictures of a tile server that failed are asked for again as well.
function mendPictures(pictures) {
  pictures.on("tileerror", async ({ tile, coords }) => {
    tile.classList.add("unknown");
    await again(LONGEST_PAUSE_MS);
    if (tile.isConnected) tile.src = pictures.getTileUrl(coords);
  });
  pictures.on("tileload", ({ tile }) => tile.classList.remove("unknown"));
  return pictures;
}

// The ground of a page's map, put under it once the map shows its place: no tile of elsewhere is asked for.
export function newGround() {
  const sources = Object.fromEntries(Object.entries(config.ground).map(([name, variable]) => [name, window[variable]]));
  if (sources.pictures) return mendPictures(sources.pictures);
  const ground = new (vectorGround())();
  ground._sources = sources;
  ground.show = (name, wanted) => {
    // What is none of the ground's layers is not taken for one.
    if (!sources[name]) return;
    const others = Object.entries(ground._sources).filter(([other]) => other !== name);
    ground._sources = Object.fromEntries(wanted ? [...others, [name, sources[name]]] : others);
    ground.redraw();
  };
  return ground;
}
