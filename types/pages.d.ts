// What a page's scripts find in their window: folium's maps and layers by name, the documentation's drawer.
import type * as Leaflet from "leaflet";

declare global {
  interface Window {
    [name: `map_${string}`]: Leaflet.Map;
    L: typeof Leaflet & { VectorGrid: any };
    geo_json_cells: Leaflet.GeoJSON;
    SwaggerUIBundle: (options: object) => unknown;
  }
}
