import { operation } from "./effects.js";

export const setAttributes = operation("set", {
  codes: ({ code, into }) => [code, into],
  touches: ({ new_code: fresh }) => [fresh],
  parting: true,
});
