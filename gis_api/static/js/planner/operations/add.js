import { below, operation } from "./effects.js";

export const add = operation("add", {
  touches: ({ geometry }, tiling) => below(geometry, tiling),
  sketch: ({ geometry }) => geometry,
});
