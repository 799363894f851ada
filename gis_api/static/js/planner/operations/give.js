import { below, operation } from "./effects.js";

export const give = operation("give", {
  codes: ({ to }) => [to],
  touches: ({ geometry }, tiling) => below(geometry, tiling),
  sketch: ({ geometry }) => geometry,
  parting: true,
  along: ({ to }) => to,
});
