import { below, operation } from "./effects.js";

export const fillGap = operation("fill_gap", {
  codes: ({ into }) => [into],
  touches: ({ where }, tiling) => below(where, tiling),
  sketch: ({ where }) => where,
});
