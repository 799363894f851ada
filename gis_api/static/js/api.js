// Talking to /api/v1: problems become errors with their place, a lost connection is told and watched until it is back.
import { byId } from "./dom.js";
import { config, t } from "./config.js";
import { ConnectionLost, isLost, Problem } from "./problems.js";
import { noteServerTime } from "./server_clock.js";

export { ConnectionLost, isLost, Problem };

/**
 * @typedef {object} Asking
 * @property {any} [body] what is sent: a form, or anything that JSON can say
 * @property {number | string | null} [version] the version that was seen (If-Match)
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

// The answer of a request: {data, version, status}; version is the number inside the ETag.
/**
 * @type {(method: string, path: string, asking?: Asking) => Promise<{data: any, version: string | null, status:
 *   number}>}
 */
export async function call(method, path, { body, version, headers = {}, signal } = {}) {
  const sent = { Accept: "application/json", "Accept-Language": config.lang, ...headers };
  if (version != null) sent["If-Match"] = `"${version}"`;
  const form = body instanceof FormData;
  if (body !== undefined && !form) sent["Content-Type"] = "application/json";
  const payload = body === undefined || form ? body : JSON.stringify(body);
  const answer = await reach(path, { method, headers: sent, body: payload, signal, credentials: "same-origin" });
  const data = await read(answer);
  if (!answer.ok) throw refused(answer, data);
  return { data, status: answer.status, version: (answer.headers.get("ETag") || "").replace(/^W\/|"/g, "") || null };
}

/** @type {(path: string, asking?: Asking) => Promise<any>} */
export const get = async (path, options) => (await call("GET", path, options)).data;

// What is told as bytes and not as JSON.
export async function getBytes(path) {
  const answer = await reach(path, { headers: { "Accept-Language": config.lang }, credentials: "same-origin" });
  if (!answer.ok) throw refused(answer, (await read(answer)) || {});
  return answer.arrayBuffer();
}

// All features of a paged list.
export async function getFeatures(path) {
  const features = [];
  for (let next = path; next;) {
    const page = await get(next);
    features.push(...page.features);
    next = page.next;
  }
  return features;
}

// What a page asks for ahead (preload) goes out with the browser's languages, and so a refusal of it comes back in
// those.
function inAnotherLanguage(answer, { method = "GET" }) {
  const lang = answer.headers.get("Content-Language");
  return method === "GET" && !answer.ok && Boolean(lang) && lang !== config.lang;
}

async function reach(path, request) {
  try {
    const answer = await fetch(path, request);
    noteServerTime(answer.headers.get("Date"));
    return inAnotherLanguage(answer, request) ? await fetch(path, request) : answer;
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    watch();
    throw new ConnectionLost(t("frame.lost"));
  }
}

async function read(answer) {
  const text = await answer.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return { detail: `HTTP ${answer.status}` };
  }
}

function refused(answer, data) {
  const problem = new Problem(answer.status, data || {});
  if (answer.status === 401 && config.person) tell(t("frame.session_over"), () => location.reload(), "sign_in");
  return problem;
}

// The banner of a lost connection; it asks /healthz until the service answers again.
let watching = false;

function tell(words, act, way = "try_again") {
  const banner = byId("lost");
  const button = banner.querySelector("button");
  banner.querySelector("span").textContent = words;
  button.textContent = t(`frame.${way}`);
  button.onclick = act;
  banner.hidden = false;
}

function watch() {
  tell(t("frame.lost"), ask);
  if (watching) return;
  watching = true;
  const timer = setInterval(ask, 3000);
  async function ask() {
    const back = await fetch("/healthz", { cache: "no-store" }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (!back || !watching) return;
    watching = false;
    clearInterval(timer);
    byId("lost").hidden = true;
    document.dispatchEvent(new CustomEvent("connection-back"));
  }
}

addEventListener("offline", watch);
