import { operation, ownersAt, vertexAt, way, withoutVertex } from "./effects.js";

export const moveVertex = operation("move_vertex", {
  touches: ({ from }, tiling) => ownersAt(from, tiling),
  gone: ({ from }, tiling) => (vertexAt(from, tiling) ? null : "vertex_gone"),
  preview: ({ from, to }, tiling) => withoutVertex(from, tiling, [to]),
  sketch: ({ from, to }) => way(from, to),
});
