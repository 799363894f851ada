import { operation } from "./effects.js";

export const redrawBorder = operation("redraw_border", {
  codes: ({ left, right }) => [left, right],
  sketch: ({ line }) => line,
});
