import { operation } from "./effects.js";

export const remove = operation("remove", {
  codes: ({ code, into }) => [code, into],
});
