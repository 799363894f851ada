import { below, operation } from "./effects.js";

export const carve = operation("carve", {
  touches: ({ geometry }, tiling) => below(geometry, tiling),
  sketch: ({ geometry }) => geometry,
  parting: true,
});
