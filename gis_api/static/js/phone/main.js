// The phone page of a worker: tasks and reports, with a line or without one.
import { config, t, when } from "../config.js";
import { beginPage, byId, el, fill } from "../dom.js";
import { tick } from "../parts/clock.js";
import { sendKept } from "../parts/outbox.js";
import { showFootprints } from "./footprints.js";
import { showReport } from "./report.js";
import { showSilent } from "./silent.js";
import { showTasks } from "./tasks.js";

const REFRESH_MS = 20_000;

function drawDuty() {
  const next = config.duties.find(({ until }) => Date.parse(until) > Date.now());
  const words = next ? t("phone.duty", { since: when(next.since), until: when(next.until) }) : t("phone.no_duty");
  fill(byId("duty"), words);
}

async function refresh() {
  const [at] = await Promise.all([showTasks(byId("tasks")), showSilent(byId("silent"))]);
  const line = byId("line");
  line.dataset.state = at == null ? "on" : "off";
  fill(line, at == null ? t("phone.online") : t("phone.offline", { at: when(at) }));
  drawDuty();
}

// Nothing is opened or typed that a refresh would take away.
const idle = () => !document.hidden && !byId("tasks").querySelector("form, .message:not([hidden]), :focus-visible");

const refreshQuietly = () => refresh().catch(() => null);
const refreshIfIdle = () => idle() && refreshQuietly();

// What is kept here must not be thrown away when the phone runs out of room.
async function askToPersist() {
  if (!navigator.storage?.persist) return;
  const kept = await navigator.storage.persist().catch(() => false);
  const box = byId("storage");
  box.dataset.kept = String(kept);
  fill(box, t(kept ? "phone.persisted" : "phone.not_persisted"));
}

async function install() {
  if (!("serviceWorker" in navigator)) {
    fill(byId("storage"), el("span", { class: "bad" }, t("phone.no_https")));
    return;
  }
  await navigator.serviceWorker.register("/worker.js", { scope: "/worker" });
  await navigator.serviceWorker.ready;
  byId("main").dataset.offline = "ready";
}

await beginPage(async () => {
  await refresh();
  showFootprints(byId("place"));
  await showReport(byId("report"), refreshQuietly);
});
document.addEventListener("connection-back", refreshIfIdle);
document.addEventListener("incident-stored", refreshIfIdle);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  sendKept();
  refreshIfIdle();
});
addEventListener("offline", refreshIfIdle);
setInterval(refreshIfIdle, REFRESH_MS);
setInterval(() => tick(byId("tasks")), 1000);
await askToPersist();
await install();
