// A card whose buttons change what is stored: it is read anew afterwards, and a refusal is told beside it.
import { call } from "../api.js";
import { fill, refusalBox } from "../dom.js";

/**
 * @typedef {(method: string, path: string, sent?: any) => Promise<any>} Act what was answered (true for nothing), null
 *   where it was refused
 */

/** @type {(said: HTMLElement, refresh: () => Promise<void>) => Act} */
export function acting(said, refresh) {
  return async (method, path, sent) => {
    try {
      const { data } = await call(method, path, { body: sent });
      fill(said);
      await refresh();
      return data ?? true;
    } catch (problem) {
      fill(said, refusalBox(problem));
      return null;
    }
  };
}
