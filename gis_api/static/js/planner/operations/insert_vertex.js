import { edgeAt, operation, redrawn, way } from "./effects.js";

export const insertVertex = operation("insert_vertex", {
  touches: ({ at }, tiling) => edgeAt(at, tiling)?.owners ?? [],
  gone: ({ at }, tiling) => (edgeAt(at, tiling) ? null : "border_gone"),
  preview: ({ at, to }, tiling) => bent(edgeAt(at, tiling), tiling, to),
  sketch: ({ at, to }) => way(at, to),
});

function bent(edge, tiling, to) {
  if (!edge) return null;
  const same = (place, point) => place[0] === point.lon && place[1] === point.lat;
  const between = (p, q) => (same(p, edge.a) && same(q, edge.b)) || (same(p, edge.b) && same(q, edge.a));
  return redrawn(edge.owners, tiling, (ring) =>
    ring.flatMap((place, i) => (between(place, ring[(i + 1) % ring.length]) ? [place, to] : [place])),
  );
}
