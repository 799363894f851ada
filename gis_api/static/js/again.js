// Asking again: what a page needs is not given up because the line, or the database, was away for a while.
import { isLost } from "./problems.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
const LATER_MS = 4000;

// Resolves after a pause, at once when the connection is back.
/** @type {(ms: number) => Promise<void>} */
export const pause = (ms) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("connection-back", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    document.addEventListener("connection-back", done);
  });

// Whether asking again can help: whoever is signed out has to sign in first, what is refused stays refused.
export const mayComeBack = (problem) => isLost(problem) && problem.status !== 401;

/**
 * The answer, asked for until it is there, ever more rarely; null where nobody wants it any more. What is refused
 * rejects; `failed` is told why there is nothing yet.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {{wanted?: () => boolean, failed?: (problem: any) => void, helps?: (problem: any) => boolean}} [how]
 * @returns {Promise<T | null>}
 */
export async function untilThere(ask, { wanted = () => true, failed = () => {}, helps = mayComeBack } = {}) {
  for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (problem) {
      if (!wanted()) return null;
      if (!helps(problem)) throw problem;
      failed(problem);
      await pause(ms);
      if (!wanted()) return null;
    }
  }
}

// Do something once the service and its database answer again, unless it is not wanted any more.
export async function whenBack(act, wanted) {
  do await pause(LATER_MS);
  while (wanted() && !(await isBack()));
  if (wanted()) act();
}

const isBack = () =>
  fetch("/readyz", { cache: "no-store" }).then(
    async (answer) => answer.ok && !(await answer.json()).stale,
    () => false,
  );

// A picture that could not be had is asked for again as well, as long as it is on the page.
export function mended(picture) {
  picture.addEventListener("error", async () => {
    await pause(LATER_MS);
    if (picture.isConnected) picture.src = picture.getAttribute("src");
  });
  return picture;
}
