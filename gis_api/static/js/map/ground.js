// The ground: folium declared the layers of vector tiles, here they are drawn together, one canvas per tile, so that
// all road casings lie under all roads and buildings on top (drawing.js).
import { pause, untilThere } from "../again.js";
import { getBytes } from "../api.js";
import { config } from "../config.js";
import { drawingOf } from "./drawing.js";
import { layersOf } from "./tile.js";
import { addressOf, tileCanvas, VectorGrid } from "./leaflet.js";

const LONGEST_PAUSE_MS = 15_000;

// A canvas as sharp as the screen: VectorGrid's own is one pixel per CSS pixel.
function canvasOf(coords, size, options) {
  const tile = tileCanvas(coords, size, options);
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
const vectorGround = (drawing) =>
  VectorGrid.extend({
    options: {
      vectorTileLayerStyles: Object.fromEntries(drawing.map(({ name, style }) => [name, style])),
      rendererFactory: canvasOf,
      minZoom: 10,
      maxNativeZoom: 19,
      maxZoom: 20,
      updateWhenZooming: false,
    },

    // The tile is asked for until it is there; meanwhile it is hatched, for nothing there and nothing known are not the
    // same. Null where nobody waits for it any more.
    async _getVectorTilePromise(coords) {
      const key = this._tileCoordsToKey(coords);
      const layers = await untilThere(() => this._read(coords), {
        wanted: () => Boolean(this._tiles[key] && this._map),
        failed: () => this._hatch(coords),
        helps: () => true,
      });
      if (!layers) return { layers: {} };
      this._clear(coords);
      // Whoever snaps to the ground reads what is on the screen from here.
      this.fire("tileread", { coords, layers });
      return { layers };
    },

    async _read(coords) {
      const wanted = Object.entries(this._sources).filter(([, source]) => coords.z >= source.options.minZoom);
      const tiles = await Promise.all(wanted.map(([, source]) => readTile(addressOf(source._url, coords))));
      const found = Object.assign({}, ...tiles);
      const layers = {};
      for (const { name, of } of drawing) if (found[of]) layers[name] = found[of];
      return layers;
    },

    _hatch(coords) {
      const tile = this._tiles[this._tileCoordsToKey(coords)];
      tile.el.classList.add("unknown");
      // To the map the tile is there, so that it is shown.
      if (!tile.loaded) this._tileReady(coords, null, tile.el);
    },

    _clear(coords) {
      this._tiles[this._tileCoordsToKey(coords)]?.el.classList.remove("unknown");
    },
  });

async function readTile(address) {
  const bytes = await getBytes(address);
  return bytes.byteLength ? layersOf(bytes) : {};
}

// Pictures of a tile server that failed are asked for again as well.
function mendPictures(pictures) {
  pictures.on("tileerror", async ({ tile, coords }) => {
    tile.classList.add("unknown");
    await pause(LONGEST_PAUSE_MS);
    if (tile.isConnected) tile.src = pictures.getTileUrl(coords);
  });
  pictures.on("tileload", ({ tile }) => tile.classList.remove("unknown"));
  return pictures;
}

// The ground of a page's map, put under it once the map shows its place: no tile of elsewhere is asked for.
export function newGround() {
  const sources = Object.fromEntries(Object.entries(config.ground).map(([name, variable]) => [name, window[variable]]));
  if (sources.pictures) return mendPictures(sources.pictures);
  const ground = new (vectorGround(drawingOf(config.ground_styles)))();
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
