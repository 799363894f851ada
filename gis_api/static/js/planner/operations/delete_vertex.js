import { operation, ownersAt, spot, vertexAt, withoutVertex } from "./effects.js";

export const deleteVertex = operation("delete_vertex", {
  touches: ({ at }, tiling) => ownersAt(at, tiling),
  gone: ({ at }, tiling) => (vertexAt(at, tiling) ? null : "vertex_gone"),
  preview: ({ at }, tiling) => withoutVertex(at, tiling, []),
  sketch: ({ at }) => spot(at),
});
