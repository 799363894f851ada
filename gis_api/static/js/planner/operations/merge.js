import { operation } from "./effects.js";

export const merge = operation("merge", {
  codes: ({ codes }) => codes,
});
