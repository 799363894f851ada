// What the service answered last, kept by the phone for when there is no line: told with its age.
import { get, isLost } from "../api.js";
import { config } from "../config.js";

const DATABASE = "wangge-answers";
const STORE = "answers";

const database = opened().catch(() => null);

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

async function ask(mode, request) {
  const base = await database;
  if (!base) return null;
  return new Promise((resolve) => {
    const asked = request(base.transaction(STORE, mode).objectStore(STORE));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  });
}

const keyOf = (path) => `${config.person.name} ${path}`;

/**
 * {data, at}: `at` is null for a fresh answer, else when the kept one was given. Rejects where there is neither.
 * @type {(path: string) => Promise<{data: any, at: number | null}>}
 */
export async function getOrKept(path) {
  try {
    const data = await get(path);
    await keepAnswer(path, data);
    return { data, at: null };
  } catch (problem) {
    const known = isLost(problem) ? await ask("readonly", (store) => store.get(keyOf(path))) : null;
    if (!known) throw problem;
    return { data: known.data, at: known.at };
  }
}

// Also how something will be once what was pressed has been sent: a later look without a line finds it so.
export const keepAnswer = (path, data, at = Date.now()) =>
  ask("readwrite", (store) => store.put({ data, at }, keyOf(path)));

// What was kept under this name, null for nothing.
export const keptAnswer = async (path) => (await ask("readonly", (store) => store.get(keyOf(path))))?.data ?? null;
