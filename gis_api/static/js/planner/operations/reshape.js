import { operation } from "./effects.js";

export const reshape = operation("reshape", {
  codes: ({ code }) => [code],
  sketch: ({ geometry }) => geometry,
});
