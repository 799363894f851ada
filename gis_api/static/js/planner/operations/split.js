import { operation } from "./effects.js";

export const split = operation("split", {
  codes: ({ code }) => [code],
  sketch: ({ line }) => line,
});
