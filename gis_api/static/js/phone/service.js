// The service worker of the phone page: the page and its scripts without a line. The service puts `shell` before it:
// the version of all own files, and which of them the page needs. Answers of the interface are none of its business.
/** @type {any} */
const worker = self;
const { shell } = worker;
const STATIC = `wangge-static-${shell.version}`;
const PAGE = "wangge-page";
const ADDRESS = "/worker";
// A line that is there and carries nothing is worse than none.
const PATIENCE_MS = 6000;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === ADDRESS) event.respondWith(pageOf(request));
  else if (pathname.startsWith("/static/")) event.respondWith(assetOf(request));
});

async function install() {
  const [files, page] = await Promise.all([caches.open(STATIC), fetch(ADDRESS, { credentials: "same-origin" })]);
  await files.addAll(shell.assets);
  if (page.ok) await (await caches.open(PAGE)).put(ADDRESS, page);
  await worker.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith("wangge-static-") && name !== STATIC);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

// The page of now, else the one that was kept; whoever is signed out finds no page of somebody else.
async function pageOf(request) {
  const cache = await caches.open(PAGE);
  const known = await cache.match(ADDRESS);
  const late = AbortSignal.timeout(known ? PATIENCE_MS : 60_000);
  try {
    const answer = await fetch(request.url, { credentials: "same-origin", signal: late });
    if (answer.ok) await cache.put(ADDRESS, answer.clone());
    else if (answer.status < 500) await cache.delete(ADDRESS);
    return answer.status >= 500 && known ? known : answer;
  } catch (failure) {
    if (known) return known;
    throw failure;
  }
}

async function assetOf(request) {
  const known = await caches.match(request);
  return known ?? fetch(request);
}
